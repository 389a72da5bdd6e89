package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// start is a function that is started again and again.
type start struct {
	name    string
	argv    []string
	works   bool // its first answer takes AWS: only its start is measured
	starts  []time.Duration
	answers []time.Duration
	memory  []int64 // bytes, at most, of each process
}

// measureStarts starts each in turn, runs times.
func measureStarts(list []*start, runs int) error {
	for i := range runs + 1 {
		for _, s := range list {
			if err := s.once(i > 0); err != nil { // the first one reads the disk
				return fmt.Errorf("start %s: %w", s.name, err)
			}
		}
	}
	return nil
}

// once runs a bootstrap under a Runtime API of its own: from the start of the
// process to its first request for work, which is what Lambda bills and logs as
// Init Duration, and to its first response, whatever its content.
func (s *start) once(keep bool) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	requested, answered := make(chan time.Time, 16), make(chan time.Time, 16)
	server := &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/next") {
				if requested <- time.Now(); len(requested) > 1 || s.works {
					<-r.Context().Done()
					return
				}
				w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
				w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
				_, _ = io.WriteString(w, "{}")
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			answered <- time.Now()
			w.WriteHeader(http.StatusAccepted)
		}),
	}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()

	cmd := exec.Command(s.argv[0], s.argv[1:]...) // #nosec G204 -- what was built above
	cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().
			String(),
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x",
		"AWS_LAMBDA_FUNCTION_NAME=f", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256",
		"STACK_ROLE_ARN=arn:aws:iam::123456789012:role/x",
		"ALERT_TOPIC_ARN=arn:aws:sns:us-east-1:123456789012:x", "STATE_PARAMETER=/x", "STATE_PARAMETER_NAME=/x",
		"PARENT_STACK_ID=arn:aws:cloudformation:us-east-1:123456789012:stack/p/11111111-2222-3333-4444-555555555555",
		"AWS_ENDPOINT_URL=http://127.0.0.1:1", "PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	wait := answered
	if s.works {
		wait = requested
	}
	var answer time.Time
	select {
	case answer = <-wait:
		if keep {
			s.memory = append(s.memory, peak(cmd.Process.Pid))
		}
		_ = cmd.Process.Kill()
		<-ended
	case err := <-ended:
		return fmt.Errorf("it ended before it answered: %w", err)
	case <-time.After(time.Minute):
		_ = cmd.Process.Kill()
		<-ended
		return errors.New("no answer within a minute")
	}
	if !keep {
		return nil
	}
	if s.works {
		s.starts = append(s.starts, answer.Sub(began))
	} else {
		s.starts = append(s.starts, (<-requested).Sub(began))
		s.answers = append(s.answers, answer.Sub(began))
	}
	return nil
}

// peak returns the peak memory of a process in bytes, from /proc; 0 where that does not exist.
func peak(pid int) int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(data), "VmHWM:")
	var kilobytes int64
	if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
		return 0
	}
	return kilobytes << 10
}

func printStarts(list []*start, built map[string]string) {
	fmt.Printf("Cold start, median of %d: from the start of the process to its first request for work, "+
		"and to its first response\n\n", len(list[0].starts))
	rows := [][]string{{"function", "start", "÷ provisioner", "first response", "memory", "zip"}}
	zips := map[string]string{
		built["provisioner"]: "provisioner",
		built["drift"]:       "drift",
		built["bare"]:        "bare",
		built["empty"]:       "empty",
	}
	ours := median(list[0].starts)
	for _, s := range list {
		zip, answer := "boto3 is in the runtime", "is its check"
		if name, ok := zips[s.argv[0]]; ok {
			zip = fmt.Sprintf("%.1f MB", float64(fileSize(built[name]+".zip"))/1e6)
		}
		if !s.works {
			answer = ms(median(s.answers))
		}
		rows = append(rows, []string{
			s.name, ms(median(s.starts)), fmt.Sprintf("%.2f ×", float64(median(s.starts))/float64(ours)), answer,
			fmt.Sprintf("%d MB", slices.Max(append(s.memory, 0))>>20), zip,
		})
	}
	table(rows...)
}
