package recording

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"permstack/internal/awsapi/pause"
)

// Difference is a response of the endpoint that differs from the recorded one.
type Difference struct {
	Call      int // number of the call in the recording, from 1
	Name      string
	Field     string // "status", "error code", or the path of a field
	Recorded  string
	Responded string
}

// String returns the difference on one line.
func (d Difference) String() string {
	return fmt.Sprintf("call %d, %s: %s: recorded %s, responded %s", d.Call, d.Name, d.Field,
		quoted(d.Recorded), quoted(d.Responded))
}

func quoted(text string) string {
	if text == "" {
		return "nothing"
	}
	if len(text) > 200 {
		text = text[:200] + "…"
	}
	return fmt.Sprintf("%q", text)
}

// pollFor is how long a call is repeated whose recorded response is the last of several
// to the same request, since it waited for something.
const pollFor = 60 * time.Second

// replayer sends recorded calls to an endpoint.
type replayer struct {
	endpoint string
	// names maps ids of the recording to those of the replay, such as the ARN of a
	// stack.
	names map[string]string
}

// Compare sends the calls of a recording to an endpoint, in their order, and returns
// where it responds differently. Ids that the endpoint assigns replace the recorded
// ones in later calls. Of equal requests in a row, which wait for something, only the
// last response is compared, and the request is repeated until it is equal.
func Compare(ctx context.Context, r Recording, endpoint string) ([]Difference, error) {
	p := replayer{endpoint: endpoint, names: map[string]string{}}
	var out []Difference
	for i, call := range r.Calls {
		if call.Foreign || call.Failure != "" || repeated(r.Calls, i) {
			continue
		}
		waited := i > 0 && sameRequest(r.Calls[i-1], call) || call.Action == "ReceiveMessage"
		found, err := p.compare(ctx, i+1, call, waited)
		if err != nil {
			return out, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// repeated reports whether the next call is the same request, so that this response
// is not the one for which the caller waited.
func repeated(calls []Call, i int) bool {
	return isRead(calls[i]) && i+1 < len(calls) && sameRequest(calls[i], calls[i+1])
}

func sameRequest(a, b Call) bool {
	return a.Name() == b.Name() && a.Method == b.Method && a.Path == b.Path && a.Query == b.Query && a.Body == b.Body
}

func isRead(c Call) bool {
	for _, prefix := range []string{"Describe", "Get", "List", "Receive", "GET ", "HEAD "} {
		if strings.HasPrefix(c.Action, prefix) {
			return true
		}
	}
	return false
}

// compare sends a call and compares the response. If the caller waited for the recorded
// response, or the endpoint still works on a stack, it is sent again until it is equal
// or pollFor is over.
func (p *replayer) compare(ctx context.Context, n int, call Call, waited bool) ([]Difference, error) {
	until := time.Now().Add(pollFor)
	for interval := 25 * time.Millisecond; ; interval = min(interval*2, time.Second) {
		status, code, body, err := p.send(ctx, call)
		if err != nil {
			return nil, fmt.Errorf("replay call %d, %s: %w", n, call.Name(), err)
		}
		found, err := p.differences(n, call, status, code, body)
		if err != nil {
			return nil, fmt.Errorf("compare call %d, %s: %w", n, call.Name(), err)
		}
		again := isRead(call) && (waited || slices.ContainsFunc(found, func(d Difference) bool {
			return strings.HasSuffix(d.Responded, "_IN_PROGRESS")
		}))
		refused := status/100 == 4 && call.Status/100 == 2 // does not pass
		if len(found) == 0 || !again || refused || !time.Now().Before(until) {
			return found, nil
		}
		if err := pause.For(ctx, interval); err != nil {
			return nil, err
		}
	}
}

func (p *replayer) send(ctx context.Context, call Call) (status int, code, body string, err error) {
	data, err := p.body(call)
	if err != nil {
		return 0, "", "", err
	}
	address := p.endpoint + p.rename(call.Path)
	if call.Query != "" {
		address += "?" + p.rename(call.Query)
	}
	request, err := http.NewRequestWithContext(ctx, call.Method, address, bytes.NewReader(data))
	if err != nil {
		return 0, "", "", err
	}
	for name, value := range map[string]string{"Content-Type": call.ContentType, "X-Amz-Target": call.Target} {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	// The embedded AWS reads the account and Region of a signature and does not verify it.
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+Account+"/20260101/"+call.Region+"/"+
		call.Service+"/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", "", err
	}
	defer response.Body.Close()
	received, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, "", "", err
	}
	text := string(received)
	return response.StatusCode, errorCode(response.StatusCode, response.Header, text), text, nil
}

// body returns the body of a request with the ids of the replay.
func (p *replayer) body(call Call) ([]byte, error) {
	if call.OmittedBytes > 0 {
		data, err := placeholder(call.Path)
		// The drift check compares a function's code with the hash in its key.
		if recorded := hash.FindString(call.Path); recorded != "" {
			p.names[recorded] = fmt.Sprintf("%x", sha256.Sum256(data))
		}
		return data, err
	}
	if !strings.HasPrefix(call.ContentType, "application/x-www-form-urlencoded") {
		return []byte(p.rename(call.Body)), nil
	}
	form, err := url.ParseQuery(call.Body)
	if err != nil {
		return nil, err
	}
	for _, values := range form {
		for i, v := range values {
			values[i] = p.rename(v)
		}
	}
	return []byte(form.Encode()), nil
}

// placeholder returns the zip of a function in place of the one that was not recorded.
// The embedded AWS runs its own function of the same name.
func placeholder(path string) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	f, err := w.Create("bootstrap")
	if err == nil {
		_, err = f.Write([]byte("not recorded: " + path + "\n"))
	}
	if err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}

// rename replaces the ids of the recording by those of the replay, the longest first.
func (p *replayer) rename(text string) string {
	text = strings.ReplaceAll(text, endpoint, p.endpoint)
	keys := slices.SortedFunc(maps.Keys(p.names), func(a, b string) int { return len(b) - len(a) })
	for _, k := range keys {
		text = strings.ReplaceAll(text, k, p.names[k])
		text = strings.ReplaceAll(text, url.PathEscape(k), url.PathEscape(p.names[k]))
	}
	return text
}

// learn remembers an id that the endpoint assigned in place of a recorded one.
func (p *replayer) learn(recorded, responded string) {
	if recorded != responded && len(recorded) >= 8 && len(recorded) <= 2048 && plain(recorded) != recorded &&
		plain(recorded) == plain(responded) && !timestamp.MatchString(recorded) {
		p.names[recorded] = responded
		// The UUID of a stack is also a part of other names.
		from, to := uuid.FindAllString(recorded, -1), uuid.FindAllString(responded, -1)
		for i := range min(len(from), len(to)) {
			p.names[from[i]] = to[i]
			p.names["_"+from[i][:8]] = "_" + to[i][:8]
		}
	}
}

// differences compares a response with the recorded one.
func (p *replayer) differences(n int, call Call, status int, code, body string) ([]Difference, error) {
	add := func(field, recorded, responded string) Difference {
		return Difference{n, call.Name(), field, recorded, responded}
	}
	var out []Difference
	if status != call.Status {
		out = append(out, add("status", fmt.Sprint(call.Status), fmt.Sprint(status)))
	}
	if code != call.ErrorCode {
		out = append(out, add("error code", call.ErrorCode, code))
	}
	if call.Listing || len(out) > 0 || call.Action == "ReceiveMessage" && !strings.Contains(call.Response, "Body") {
		return out, nil
	}
	recorded, err := fields(call.Response)
	if err != nil {
		return nil, fmt.Errorf("read the recorded response: %w", err)
	}
	responded, err := fields(body)
	if err != nil {
		return nil, fmt.Errorf("read the response: %w", err)
	}
	for _, path := range slices.Sorted(maps.Keys(recorded)) {
		want := recorded[path]
		got, ok := responded[path]
		if ok {
			p.learn(want, got)
			if strings.HasSuffix(path, "ReceiptHandle") {
				p.names[want] = got
			}
		}
		switch {
		case !ok:
			out = append(out, add(path, want, ""))
		case !isUnstable(path) && plain(want) != plain(got):
			out = append(out, add(path, want, got))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(responded)) {
		if _, ok := recorded[path]; !ok {
			out = append(out, add(path, "", responded[path]))
		}
	}
	return out, nil
}
