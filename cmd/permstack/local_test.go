package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"regexp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

var endpoint = regexp.MustCompile(`AWS_ENDPOINT_URL=(http://127\.0\.0\.1:\d+)`)

// TestLocal checks that the command prints its endpoint, serves calls, and stops.
func TestLocal(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, in := io.Pipe()
	var stderr bytes.Buffer
	status := make(chan int, 1)
	go func() {
		status <- run(ctx, []string{"local", "--listen", "127.0.0.1:0"}, in, &stderr)
		in.Close()
	}()
	lines := bufio.NewScanner(out)
	url := ""
	for url == "" && lines.Scan() {
		if m := endpoint.FindStringSubmatch(lines.Text()); m != nil {
			url = m[1]
		}
	}
	if url == "" {
		t.Fatalf("no endpoint: %s", stderr.String())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()

	who, err := sts.NewFromConfig(aws.Config{
		Region: "eu-west-1", BaseEndpoint: &url,
		Credentials: credentials.NewStaticCredentialsProvider("210987654321", "local", ""),
	}).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	if got := aws.ToString(who.Account); got != "210987654321" {
		t.Errorf("the account is %s", got)
	}

	stop()
	select {
	case got := <-status:
		if got != exitOK || stderr.String() != "permstack: stopping\n" {
			t.Errorf("exit status %d: %s", got, stderr.String())
		}
	case <-time.After(5 * time.Minute):
		t.Fatal("the command did not stop")
	}
}
