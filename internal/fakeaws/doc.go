// Package fakeaws is an embedded AWS for tests and for running permstack without
// an AWS account. It implements the API calls that permstack makes, keeps the
// resources in memory and enforces the limits that matter. `permstack local`,
// `permstack try` and tests call it through the AWS SDK.
//
// It is not a security boundary. The signature of a request is read for the
// service, the Region and the access key id, and is not verified: an access key
// id of 12 digits is the unrestricted owner of that account, one from AssumeRole
// is a session of that role, and any other is the owner of account 123456789012.
// Start therefore listens on loopback addresses only.
//
// # Packages
//
// Each service is a package of its own (iam, sts, sns, sqs, events, ssm, s3,
// organizations, cloudformation, stacksets, lambda). Package protocol is the interface between them and the
// server in this package. Package standalone starts everything together. Tests
// of a service use package apitest, tests of an installation fakeawstest.
//
// # How to add a call
//
// A new call of a service takes two places:
//
//  1. The handler, in the file of its resource: in iam, role.go, policy.go, profile.go or tags.go.
//  2. A row in the service's table of actions: the name of the call, the handler, and the permissions that the call
//     requires. The table is in the file that the service's definition names as its Source: iam/service.go, and
//     sns/sns.go, events/events.go and so on, lambda/api.go and cloudformation/api.go.
//
// A row without permissions fails TestEveryActionDeclaresPermissions, and the call returns InternalFailure; both name
// the file to edit.
//
// A new resource type of CloudFormation takes a type_….go file with its schema and
// its handlers, a row in providers in cloudformation/provider.go, and a run of
// tools/genschemas, which adds AWS's schema of the type to
// cloudformation/schemas.json: the rights of the handlers, and the create-only,
// read-only and write-only properties. TestEveryRightIsMapped fails for a right
// that no handler requires and for which no reason is given. A handler that makes a
// call without declaring it fails with an error that names the type and the call.
package fakeaws
