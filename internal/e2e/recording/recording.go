// Package recording records the calls of SDK clients with their responses, without
// secrets, and replays them against another endpoint to find where it responds
// differently.
package recording

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// Schema identifies the form of a file.
const Schema = "permstack.recording/1"

// Recording is the content of a file.
type Recording struct {
	Schema string    `json:"schema"`
	Begin  time.Time `json:"begin"`
	Region string    `json:"region"`
	// Release is the version of the program that recorded.
	Release string `json:"release"`
	Calls   []Call `json:"calls"`
}

// Call is one request with its response. The account is Account everywhere.
type Call struct {
	Time        time.Time `json:"time"`
	Millisecond int64     `json:"milliseconds"` // until the response was complete
	Service     string    `json:"service"`      // of the signature: "cloudformation"
	Action      string    `json:"action"`       // "CreateStack", or "PUT /{bucket}" for REST
	Region      string    `json:"region"`

	Method      string `json:"method"`
	Path        string `json:"path"`
	Query       string `json:"query,omitempty"`
	ContentType string `json:"contentType,omitempty"`
	Target      string `json:"target,omitempty"` // X-Amz-Target
	Body        string `json:"body,omitempty"`
	// OmittedBytes is the size of a body that is not text, such as a zip.
	OmittedBytes int `json:"omittedBytes,omitempty"`

	Status    int    `json:"status"`
	ErrorCode string `json:"errorCode,omitempty"`
	Response  string `json:"response,omitempty"`
	// Listing means that the response is omitted, because it lists resources of the
	// account that are not of the run.
	Listing bool `json:"listing,omitempty"`
	// Foreign means that request and response are omitted, because they are about a
	// resource that is not of the run.
	Foreign bool `json:"foreign,omitempty"`
	// Failure is why there was no response.
	Failure string `json:"failure,omitempty"`
}

// Account replaces the account's id in a recording.
const Account = "123456789012"

// endpoint replaces the scheme and host of the service's endpoint.
const endpoint = "{endpoint}"

// Name returns "service:Action".
func (c Call) Name() string { return c.Service + ":" + c.Action }

// maxFile is the largest recording in bytes; a run of the demo records about 1 MB.
const maxFile = 64 << 20

// Read reads a file of at most maxFile bytes.
func Read(file string) (Recording, error) {
	var r Recording
	opened, err := os.Open(file)
	if err != nil {
		return r, err
	}
	defer opened.Close()
	data, err := io.ReadAll(io.LimitReader(opened, maxFile+1))
	if err != nil {
		return r, err
	}
	if len(data) > maxFile {
		return r, fmt.Errorf("read recording %s: it has more than %d bytes", file, maxFile)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("read recording %s: %w", file, err)
	}
	if r.Schema != Schema {
		return r, fmt.Errorf("read recording %s: schema %q, want %q", file, r.Schema, Schema)
	}
	return r, nil
}

// Write writes a file that only its owner may read.
func (r Recording) Write(file string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write recording: %w", err)
	}
	return os.WriteFile(file, append(data, '\n'), 0o600)
}
