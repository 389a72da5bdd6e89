// The function that the tests of lambdaruntime run: its event says what it
// does.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do  string
	Env string
}

var count int

func handle(ctx context.Context, e event) (any, error) {
	count++
	lc, _ := lambdacontext.FromContext(ctx)
	switch e.Do {
	case "fail":
		return nil, errors.New("as instructed")
	case "panic":
		panic("as instructed")
	case "exit":
		os.Exit(3)
	case "hang":
		select {}
	case "env":
		return os.Getenv(e.Env), nil
	case "environ":
		return os.Environ(), nil
	case "deadline":
		d, _ := ctx.Deadline()
		return time.Until(d).Milliseconds(), nil
	}
	fmt.Println("a line of the log")
	return map[string]any{"count": count, "pid": os.Getpid(), "arn": lc.InvokedFunctionArn}, nil
}

func main() {
	if os.Getenv("INIT") == "fail" {
		os.Exit(4)
	}
	lambda.Start(handle)
}
