package stacksets

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"permstack/internal/fakeaws/protocol"
)

// maxStackName is the largest length of a stack's name.
const maxStackName = 128

// stackName returns the name of a stack of a stack set, shortened if it would be too
// long.
func stackName(set string) string {
	unique := "-" + protocol.NewUUID()
	name := "StackSet-" + set
	return name[:min(len(name), maxStackName-len(unique))] + unique
}

// deploy creates or updates the stack of an instance, as the execution role of
// its account.
func (s *Service) deploy(w *work, r *result) error {
	client, err := s.client(w, r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	id, parameters := r.in.stackID, w.definition.parametersWith(r.in.overrides)
	s.mu.Unlock()
	status := ""
	if id != "" {
		if status, err = stackStatus(s.ctx, client, id); err != nil {
			return err
		}
	}
	switch status {
	case "CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED":
		// A stack that was never created cannot be updated.
		if err := s.deleteStack(client, r, id); err != nil {
			return err
		}
		status = ""
	}
	var capabilities []types.Capability
	for _, c := range w.definition.capabilities {
		capabilities = append(capabilities, types.Capability(c))
	}
	var tags []types.Tag
	for _, t := range w.definition.tags {
		tags = append(tags, types.Tag{Key: aws.String(t.Key), Value: aws.String(t.Value)})
	}
	if status == "" || status == "DELETE_COMPLETE" {
		return s.create(client, r, &cfn.CreateStackInput{
			StackName: aws.String(stackName(w.set.name)), TemplateURL: &w.url, Parameters: parameters,
			Capabilities: capabilities, Tags: tags,
		})
	}
	if tags == nil {
		tags = []types.Tag{}
	}
	_, err = client.UpdateStack(s.ctx, &cfn.UpdateStackInput{
		StackName: &id, TemplateURL: &w.url, Parameters: parameters, Capabilities: capabilities, Tags: tags,
	})
	if err != nil {
		if strings.Contains(err.Error(), "No updates are to be performed") {
			return nil
		}
		return errors.New(apiMessage(err))
	}
	return s.waitFor(client, r, id, "UPDATE_COMPLETE")
}

func (s *Service) create(client *cfn.Client, r *result, in *cfn.CreateStackInput) error {
	out, err := client.CreateStack(s.ctx, in)
	if err != nil {
		return errors.New(apiMessage(err))
	}
	s.mu.Lock()
	r.in.stackID = *out.StackId
	s.mu.Unlock()
	return s.waitFor(client, r, *out.StackId, "CREATE_COMPLETE")
}

// remove deletes the stack of an instance.
func (s *Service) remove(w *work, r *result) error {
	s.mu.Lock()
	id := r.in.stackID
	s.mu.Unlock()
	if id == "" {
		return nil
	}
	client, err := s.client(w, r)
	if err != nil {
		return err
	}
	return s.deleteStack(client, r, id)
}

func (s *Service) deleteStack(client *cfn.Client, r *result, id string) error {
	if _, err := client.DeleteStack(s.ctx, &cfn.DeleteStackInput{StackName: &id}); err != nil {
		return errors.New(apiMessage(err))
	}
	return s.waitFor(client, r, id, "DELETE_COMPLETE")
}

// waitFor waits until the operation on a stack has ended, and returns an error
// with its first failure if it has another status.
func (s *Service) waitFor(client *cfn.Client, r *result, id, want string) error {
	status, reason, err := s.d.Wait(s.ctx, r.account, r.region, id)
	if err != nil {
		return err
	}
	if status == want {
		return nil
	}
	if cause := firstFailure(s.ctx, client, id); cause != "" {
		return errors.New(cause)
	}
	return fmt.Errorf("Stack %s is in status %s: %s", id, status, reason)
}

// parametersWith returns the stack set's parameters with the overrides of an
// instance.
func (d *definition) parametersWith(overrides []parameter) []types.Parameter {
	var out []types.Parameter
	for _, p := range d.parameters {
		v := p.Value
		if own, ok := value(overrides, p.Key); ok {
			v = own
		}
		out = append(out, types.Parameter{ParameterKey: aws.String(p.Key), ParameterValue: aws.String(v)})
	}
	for _, p := range overrides {
		if _, twice := value(d.parameters, p.Key); !twice {
			out = append(out, types.Parameter{ParameterKey: aws.String(p.Key), ParameterValue: aws.String(p.Value)})
		}
	}
	return out
}

// stackStatus returns the status of a stack by its id.
func stackStatus(ctx context.Context, client *cfn.Client, id string) (string, error) {
	out, err := client.DescribeStacks(ctx, &cfn.DescribeStacksInput{StackName: &id})
	if err != nil {
		return "", errors.New(apiMessage(err))
	}
	return string(out.Stacks[0].StackStatus), nil
}

// firstFailure returns the first failure of a stack's last operation, as results
// of stack set operations show it.
func firstFailure(ctx context.Context, client *cfn.Client, id string) string {
	out, err := client.DescribeStackEvents(ctx, &cfn.DescribeStackEventsInput{StackName: &id})
	if err != nil {
		return apiMessage(err)
	}
	begun := slices.IndexFunc(out.StackEvents, func(e types.StackEvent) bool { // the newest is first
		return aws.ToString(e.PhysicalResourceId) == id && slices.Contains([]types.ResourceStatus{
			"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS",
		}, e.ResourceStatus)
	})
	events := out.StackEvents
	if begun >= 0 {
		events = events[:begun]
	}
	for _, e := range slices.Backward(events) {
		if strings.HasSuffix(string(e.ResourceStatus), "_FAILED") && aws.ToString(e.PhysicalResourceId) != id {
			return fmt.Sprintf("ResourceLogicalId:%s, ResourceType:%s, ResourceStatusReason:%s.",
				aws.ToString(e.LogicalResourceId), aws.ToString(e.ResourceType), aws.ToString(e.ResourceStatusReason))
		}
	}
	return ""
}

// apiMessage returns the message of an AWS error without the SDK's wrapping.
func apiMessage(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorMessage()
	}
	return err.Error()
}
