package localaws

import "permstack/internal/localaws/wire"

// authorize asks for the permissions that a call needs.
func (c *Cloud) authorize(service wire.Service, call *wire.Call) error { return nil }
