package interop

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// awsCLI is the AWS CLI for the commands of one test, in one Python process.
type awsCLI struct {
	t        *testing.T
	endpoint string
	pythonProcess
}

// awsCommand is one command for aws.py.
type awsCommand struct {
	Dir  string            `json:"dir"`
	Env  map[string]string `json:"env"`
	Args []string          `json:"args"`
}

// awsReply is what aws.py returns for a command.
type awsReply struct {
	Status         int
	Stdout, Stderr string
}

// startAWSCLI starts the CLI of PERMSTACK_AWS_CLI. Its virtual environment has the Python that it runs in.
func startAWSCLI(t *testing.T, endpoint string) *awsCLI {
	t.Helper()
	process := startPython(t, "the AWS CLI", tool(t, "PERMSTACK_AWS_CLI"), root,
		environment(endpoint, "111111111111", "us-east-1"), "aws.py")
	return &awsCLI{t: t, endpoint: endpoint, pythonProcess: process}
}

// at returns the CLI in one account and Region.
func (a *awsCLI) at(account, region string) cli {
	return cli{a, environment(a.endpoint, account, region), account + " " + region}
}

// call runs one command in the root folder.
func (a *awsCLI) call(env, args []string) (stdout, stderr string, status int) {
	a.t.Helper()
	dir, err := filepath.Abs(root)
	if err != nil {
		a.t.Fatal(err)
	}
	var reply awsReply
	if err := a.do(newAWSCommand(dir, env, args), &reply); err != nil {
		a.t.Fatalf("aws %s: %v", strings.Join(args, " "), err)
	}
	return reply.Stdout, reply.Stderr, reply.Status
}

func newAWSCommand(dir string, env, args []string) awsCommand {
	c := awsCommand{Dir: dir, Env: map[string]string{}, Args: args}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		c.Env[name] = value
	}
	return c
}

// socketVariable names the socket at which installAWSCommand waits for commands.
const socketVariable = "PERMSTACK_INTEROP_AWS"

// installAWSCommand makes a folder for the PATH of a script, with a program "aws" that runs its commands in the CLI's
// process, one at a time: the test's own program, which reads socketVariable. It returns the folder and the variable.
func (a *awsCLI) installAWSCommand() (folder, variable string) {
	a.t.Helper()
	folder, err := os.MkdirTemp("", "aws") // a socket's path is limited to 100 bytes
	if err != nil {
		a.t.Fatal(err)
	}
	program, err := os.Executable()
	if err == nil {
		err = os.Symlink(program, filepath.Join(folder, "aws"))
	}
	if err != nil {
		a.t.Fatal(err)
	}
	socket := filepath.Join(folder, "socket")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		a.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := listener.Accept()
			if err != nil {
				return // closed
			}
			var command awsCommand
			if err := json.NewDecoder(c).Decode(&command); err == nil {
				var reply awsReply
				if a.do(command, &reply) == nil {
					_ = json.NewEncoder(c).Encode(reply)
				}
			}
			c.Close()
		}
	}()
	a.t.Cleanup(func() {
		listener.Close()
		<-done
		os.RemoveAll(folder)
	})
	return folder, socketVariable + "=" + socket
}

// forwardAWSCommand is the program "aws" of installAWSCommand. It returns the status of the command.
func forwardAWSCommand() int {
	var reply awsReply
	dir, err := os.Getwd()
	if err == nil {
		var c net.Conn
		if c, err = net.Dial("unix", os.Getenv(socketVariable)); err == nil {
			defer c.Close()
			if err = json.NewEncoder(c).Encode(newAWSCommand(dir, os.Environ(), os.Args[1:])); err == nil {
				err = json.NewDecoder(c).Decode(&reply)
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "aws:", err)
		return 255
	}
	fmt.Fprint(os.Stdout, reply.Stdout)
	fmt.Fprint(os.Stderr, reply.Stderr)
	return reply.Status
}
