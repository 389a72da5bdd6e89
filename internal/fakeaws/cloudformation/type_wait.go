package cloudformation

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"permstack/internal/fakeaws/protocol"
)

// waitHandle is AWS::CloudFormation::WaitConditionHandle: a URL that receives
// signals with PUT ("Create wait conditions in a CloudFormation template",
// CloudFormation User Guide). Its physical id is the URL.
type waitHandle struct{}

func (waitHandle) schema() schema { return schema{Permissions: noPermissions} }

// noPermissions are those of types that CloudFormation itself provides.
var noPermissions = handlerPermissions{
	Create: []string{}, Read: noDriftDetection, Update: []string{}, Delete: []string{},
}

func (waitHandle) create(r *request) (outcome, error) {
	if r.engine.d.Endpoint == nil {
		return outcome{}, errors.New("permstack local was started without an endpoint and cannot receive signals")
	}
	token := protocol.NewUUID()
	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	r.engine.signals[token] = map[string]signal{}
	return outcome{id: strings.TrimSuffix(r.engine.d.Endpoint(), "/") + ResponsePrefix + token}, nil
}

func (waitHandle) update(r *request) (outcome, error) { return outcome{id: r.id}, nil }

func (waitHandle) delete(r *request) error {
	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	delete(r.engine.signals, signalToken(r.id))
	return nil
}

func (waitHandle) read(*request) (map[string]any, error) { return nil, errNoDrift }

// signal is the body of a signal. Several signals of one UniqueId count once.
type signal struct{ Status, UniqueId, Data, Reason string }

// signalToken returns the token in the URL of a handle.
func signalToken(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }

// receiveSignal stores a signal and reports whether the token is one of a handle.
func (e *Engine) receiveSignal(w http.ResponseWriter, token string, body []byte) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	received, ok := e.signals[token]
	if !ok {
		return false
	}
	var s signal
	if err := json.Unmarshal(body, &s); err != nil || s.UniqueId == "" || s.Status != "SUCCESS" && s.Status != "FAILURE" {
		http.Error(w, "a signal has Status SUCCESS or FAILURE, UniqueId, Data and Reason", http.StatusBadRequest)
		return true
	}
	received[s.UniqueId] = s
	e.broadcast()
	return true
}

// waitCondition is AWS::CloudFormation::WaitCondition, which is created when its
// handle has received Count signals.
type waitCondition struct{}

func (waitCondition) schema() schema {
	return schema{
		Properties: []string{"Count", "Handle", "Timeout"}, Required: []string{"Handle", "Timeout"},
		Permissions: noPermissions,
	}
}

func (waitCondition) create(r *request) (outcome, error) {
	count, err := r.props.int("Count")
	if err != nil {
		return outcome{}, err
	}
	count = max(count, 1)
	seconds, err := r.props.int("Timeout")
	if err != nil || seconds < 1 || seconds > 43_200 {
		return outcome{}, errors.New("Properties validation failed: #/Timeout: the value must be from 1 to 43200")
	}
	timeout := time.NewTimer(time.Duration(seconds) * time.Second)
	defer timeout.Stop()
	token, id := signalToken(r.props.str("Handle")), generateName(r.stack.name, r.logicalID, 128)
	for {
		r.engine.mu.Lock()
		received, changed := r.engine.signals[token], r.engine.changed
		data := map[string]string{}
		var failed *signal
		for _, s := range received {
			data[s.UniqueId] = s.Data
			if s.Status == "FAILURE" {
				failed = &s
			}
		}
		r.engine.mu.Unlock()
		switch {
		case received == nil:
			return outcome{}, errors.New("Handle is not the URL of a wait condition handle")
		case failed != nil:
			return outcome{id: id}, fmt.Errorf("WaitCondition received failed message: '%s' for uniqueId: %s",
				failed.Reason, failed.UniqueId)
		case len(data) >= count:
			return outcome{id: id, attrs: map[string]any{"Data": marshal(data)}}, nil
		}
		select {
		case <-changed:
		case <-timeout.C:
			return outcome{id: id}, fmt.Errorf("WaitCondition timed out. Received %d conditions when expecting %d",
				len(data), count)
		case <-r.ctx.Done():
			return outcome{id: id}, r.ctx.Err()
		}
	}
}

func (waitCondition) update(r *request) (outcome, error) {
	return outcome{}, errors.New("Update to resource type AWS::CloudFormation::WaitCondition is not supported.")
}

func (waitCondition) delete(*request) error { return nil }

func (waitCondition) read(*request) (map[string]any, error) { return nil, errNoDrift }
