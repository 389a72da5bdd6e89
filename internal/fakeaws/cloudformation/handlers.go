package cloudformation

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// The handlers of a resource type, as the CloudFormation registry names them.
const (
	createHandler = "create"
	readHandler   = "read"
	updateHandler = "update"
	deleteHandler = "delete"
)

// handlerPermissions are the IAM actions that the handlers of a type require by
// calling the embedded services. Types that are only recorded, and those of
// functions, call none; see handlerRights.
type handlerPermissions struct {
	Create, Read, Update, Delete []string
}

// noDriftDetection are the read permissions of a type without drift detection.
var noDriftDetection = []string{}

func (p handlerPermissions) forHandler(handler string) []string {
	return map[string][]string{
		createHandler: p.Create, readHandler: p.Read, updateHandler: p.Update, deleteHandler: p.Delete,
	}[handler]
}

// onlyDeclared returns a configuration with which calls fail that the handler
// does not declare, so that a declaration cannot miss a call.
func onlyDeclared(cfg aws.Config, typ, handler string) aws.Config {
	declared := findProvider(typ).schema().Permissions.forHandler(handler)
	check := func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
		middleware.InitializeOutput, middleware.Metadata, error,
	) {
		action := iamAction(awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx))
		if !slices.Contains(declared, action) {
			return middleware.InitializeOutput{}, middleware.Metadata{}, fmt.Errorf(
				"the %s handler of %s calls %s: add it to Permissions in the type's schema", handler, typ, action)
		}
		return next.HandleInitialize(ctx, in)
	}
	cfg = cfg.Copy()
	cfg.APIOptions = append(slices.Clone(cfg.APIOptions), func(s *middleware.Stack) error {
		return s.Initialize.Add(middleware.InitializeMiddlewareFunc("DeclaredPermissions", check), middleware.After)
	})
	return cfg
}

// prefixes are the services of IAM actions by the SDK's id of the service.
var prefixes = map[string]string{
	"IAM": "iam", "SNS": "sns", "SQS": "sqs", "EventBridge": "events", "SSM": "ssm", "S3": "s3",
	"CloudFormation": "cloudformation",
}

// renamed are the calls whose IAM action has another name.
var renamed = map[string]string{"s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock"}

// iamAction returns the IAM action of an SDK call.
func iamAction(serviceID, operation string) string {
	action := prefixes[serviceID] + ":" + operation
	if name := renamed[action]; name != "" {
		return name
	}
	return action
}
