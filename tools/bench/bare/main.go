// Bare is a Lambda function as it is commonly written: the SDK's own
// configuration, the clients that its argument names, and nothing to do.
package main

import (
	"context"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

var clients []any

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		panic(err)
	}
	for name := range strings.SplitSeq(os.Args[1], ",") {
		switch name {
		case "cloudformation":
			clients = append(clients, cloudformation.NewFromConfig(cfg))
		case "iam":
			clients = append(clients, iam.NewFromConfig(cfg))
		case "sns":
			clients = append(clients, sns.NewFromConfig(cfg))
		case "eventbridge":
			clients = append(clients, eventbridge.NewFromConfig(cfg))
		case "ssm":
			clients = append(clients, ssm.NewFromConfig(cfg))
		}
	}
	lambda.Start(func(context.Context) error { return nil })
}
