package cloudformation

import "permstack/internal/fakeaws/protocol"

// Definition returns the service for the server to register.
func (e *Engine) Definition() protocol.Service {
	return protocol.Service{
		Name: "cloudformation", Protocol: protocol.Query, Version: "2010-05-15",
		Namespace: "http://cloudformation.amazonaws.com/doc/2010-05-15/",
		Source:    "internal/fakeaws/cloudformation/api.go",
		Actions:   e.actions(),
	}
}

// actions are the calls that this service has: for each its handler and the
// permissions that it requires.
func (e *Engine) actions() map[string]protocol.Action {
	return map[string]protocol.Action{
		"CreateStack":                 protocol.NewAction(e.createStack, e.onStack),
		"UpdateStack":                 protocol.NewAction(e.updateStack, e.onStack),
		"DeleteStack":                 protocol.NewAction(e.deleteStack, e.onStack),
		"CancelUpdateStack":           protocol.NewAction(e.cancelUpdateStack, e.onStack),
		"ContinueUpdateRollback":      protocol.NewAction(e.continueUpdateRollback, e.onStack),
		"RollbackStack":               protocol.NewAction(e.rollbackStack, e.onStack),
		"UpdateTerminationProtection": protocol.NewAction(e.updateTerminationProtection, e.onStack),
		"CreateChangeSet":             protocol.NewAction(e.createChangeSet, e.onStack),
		"DescribeChangeSet":           protocol.NewAction(e.describeChangeSet, e.onStack),
		"ExecuteChangeSet":            protocol.NewAction(e.executeChangeSet, e.onStack),
		"DeleteChangeSet":             protocol.NewAction(e.deleteChangeSet, e.onStack),
		"ListChangeSets":              protocol.NewAction(e.listChangeSets, e.onStack),
		"DescribeStacks":              protocol.NewAction(e.describeStacks, e.onStack),
		"ListStacks": protocol.NewAction(
			e.listStacks,
			protocol.OnAnyResource("cloudformation:ListStacks"),
		),
		"SetStackPolicy":         protocol.NewAction(e.setStackPolicy, e.onStack),
		"GetStackPolicy":         protocol.NewAction(e.getStackPolicy, e.onStack),
		"DescribeEvents":         protocol.NewAction(e.describeEvents, e.onStack),
		"DescribeStackEvents":    protocol.NewAction(e.describeStackEvents, e.onStack),
		"DescribeStackResource":  protocol.NewAction(e.describeStackResource, e.onStack),
		"DescribeStackResources": protocol.NewAction(e.describeStackResources, e.onStack),
		"ListStackResources":     protocol.NewAction(e.listStackResources, e.onStack),
		"ListExports": protocol.NewAction(
			e.listExports,
			protocol.OnAnyResource("cloudformation:ListExports"),
		),
		"GetTemplate":        protocol.NewAction(e.getTemplate, e.onStack),
		"GetTemplateSummary": protocol.NewAction(e.getTemplateSummary, e.onStack),
		"ValidateTemplate": protocol.NewAction(
			e.validateTemplate,
			protocol.OnAnyResource("cloudformation:ValidateTemplate"),
		),
		"DetectStackDrift":         protocol.NewAction(e.detectStackDrift, e.onStackDrift),
		"DetectStackResourceDrift": protocol.NewAction(e.detectStackResourceDrift, e.onResourceDrift),
		"DescribeStackDriftDetectionStatus": protocol.NewAction(
			e.describeDetection,
			protocol.OnAnyResource("cloudformation:DescribeStackDriftDetectionStatus"),
		),
		"DescribeStackResourceDrifts": protocol.NewAction(e.describeStackResourceDrifts, e.onStack),
	}
}
