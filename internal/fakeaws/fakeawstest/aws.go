// Package fakeawstest is the test fixture of the embedded AWS: it starts one with
// the project's Lambda functions, launches template.yaml on it, waits for stacks,
// changes IAM as a third party would, runs the drift check and reads what was
// published.
//
//	func TestMain(m *testing.M) { fakeawstest.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		aws := fakeawstest.Start(t, fakeawstest.Options{})
//		stack := aws.In("123456789012", "us-east-1").Launch(fakeawstest.Launch{})
//		stack.AttachPolicy(stack.RoleName(), fakeawstest.AdministratorAccess)
//		messages := stack.CheckDrift()
//	}
//
// A helper that cannot do what it is for ends the test with Fatal.
package fakeawstest

import (
	"testing"
	"time"

	"permstack/internal/fakeaws/standalone"
)

// Options configure Start. The zero value suits most tests.
type Options struct {
	// Program runs a function; the function's name is appended. The default is the
	// test's own program, which requires TestMain to call Main. See BuiltProgram.
	Program []string
	// Clock is the clock of the AWS services; the default is time.Now. Functions
	// run in processes of their own and read the real clock.
	Clock func() time.Time
	// Events lets events invoke functions, as in an account with a trail. Without it a
	// function runs when a test invokes it.
	Events bool
}

// AWS is an embedded AWS that listens on a loopback address.
type AWS struct {
	*standalone.Server
	Log *Log // what the functions wrote

	t testing.TB
}

// Start starts an embedded AWS and stops it when the test ends.
func Start(t testing.TB, o Options) *AWS {
	t.Helper()
	a := &AWS{t: t, Log: &Log{}}
	if o.Program == nil {
		o.Program = ownProgram(t)
	}
	var err error
	a.Server, err = standalone.Start("127.0.0.1:0", standalone.Options{
		BuiltIn: o.Program, Names: FunctionNames(), FunctionLog: a.Log, Clock: o.Clock,
		Trail: o.Events, ForeignCode: true, EventInvocations: o.Events,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Errorf("stop the embedded AWS: %v", err)
		}
	})
	return a
}

// For returns the same AWS for a subtest, which its helpers then fail.
func (a *AWS) For(t testing.TB) *AWS {
	other := *a
	other.t = t
	return &other
}

// TemplateURL uploads a template and returns its URL.
func (a *AWS) TemplateURL(name string, template []byte) string {
	a.t.Helper()
	url, err := a.UploadTemplate(a.t.Context(), name, template)
	if err != nil {
		a.t.Fatal(err)
	}
	return url
}
