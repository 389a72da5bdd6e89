// The function behind the custom resources of the tests: its properties say
// how it answers. It writes each request to the file that LOG names.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-lambda-go/lambda"
)

func handle(ctx context.Context, e cfn.Event) error {
	p := e.ResourceProperties
	id, _ := p["Id"].(string)
	if id == "" {
		id = "custom-id"
	}
	f, err := os.OpenFile(os.Getenv("LOG"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	props, _ := json.Marshal(p)
	fmt.Fprintf(f, "%s %s %s\n", e.RequestType, e.PhysicalResourceID, props)
	if err := f.Close(); err != nil {
		return err
	}
	fmt.Println("request", e.RequestType)
	answer := map[string]any{
		"Status": "SUCCESS", "RequestId": e.RequestID, "StackId": e.StackID, "LogicalResourceId": e.LogicalResourceID,
		"PhysicalResourceId": id, "Data": map[string]any{"Answer": 42, "Echo": p["Echo"]},
	}
	fail := p["Fail"] == string(e.RequestType)
	if e.RequestType == "Delete" {
		answer["PhysicalResourceId"] = e.PhysicalResourceID
	}
	if fail {
		answer["Status"], answer["Reason"] = "FAILED", "as instructed"
	}
	if p["Slow"] == string(e.RequestType) {
		return nil // no answer at all
	}
	switch p["Answer"] {
	case "silent":
		if e.RequestType == "Create" {
			return nil
		}
	case "long":
		if e.RequestType == "Create" {
			answer["Data"] = strings.Repeat("x", 5000)
		}
	case "wrong":
		if e.RequestType == "Create" {
			answer["RequestId"] = "another"
		}
	}
	body, _ := json.Marshal(answer)
	for range 2 { // the second must be refused
		q, err := http.NewRequestWithContext(ctx, http.MethodPut, e.ResponseURL, bytes.NewReader(body))
		if err != nil {
			return err
		}
		r, err := http.DefaultClient.Do(q)
		if err != nil {
			return err
		}
		_ = r.Body.Close()
		if p["Twice"] == nil {
			break
		}
	}
	return nil
}

func main() { lambda.Start(handle) }
