package sns

import "permstack/internal/localaws/wire"

// access says which permissions a call needs.
func (s *Service) access(call *wire.Call) []wire.Access { return nil }
