package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// build compiles what is compared, all with the flags of build.sh, and zips it.
func build(dir string) (map[string]string, error) {
	out := map[string]string{}
	for name, pkg := range map[string]string{
		"provisioner": "./functions/provisioner", "drift": "./functions/drift",
		"bare": "./tools/bench/bare", "empty": "./tools/bench/empty",
		"permstack": "./cmd/permstack", "lambdazip": "./tools/lambdazip",
	} {
		path := filepath.Join(dir, name, "bootstrap")
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags",
			"-s -w -buildid=", "-o", path, pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if output, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build %s: %w\n%s", pkg, err, output)
		}
		out[name] = path
	}
	for _, name := range []string{"provisioner", "drift", "bare", "empty"} {
		if output, err := exec.Command(out["lambdazip"], out[name], out[name]+".zip").CombinedOutput(); err != nil {
			return nil, fmt.Errorf("zip %s: %w\n%s", name, err, output)
		}
	}
	return out, nil
}

// pythonScript writes a Lambda runtime in Python that makes the clients named and
// answers one event, if there is a Python with boto3.
func pythonScript(dir, python string) (string, error) {
	if output, err := exec.Command(python, "-c", "import boto3").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s cannot import boto3: %w %s", python, err, output)
	}
	path := filepath.Join(dir, "function.py")
	return path, os.WriteFile(path, []byte(pythonRuntime), 0o600)
}

const pythonRuntime = `import os, sys, urllib.request
import boto3
clients = [boto3.client(name, region_name="us-east-1") for name in sys.argv[1].split(",")]
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(api + "next") as event:
        id = event.headers["Lambda-Runtime-Aws-Request-Id"]
        event.read()
    urllib.request.urlopen(urllib.request.Request(api + id + "/response", data=b"null", method="POST")).read()
`
