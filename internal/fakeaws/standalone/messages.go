package standalone

import (
	"encoding/json"
	"net/http"
	"time"

	"permstack/internal/fakeaws/sns"
)

// MessagesPath is the path of the list of published messages, for scripts.
const MessagesPath = "/_permstack/messages"

// ConfirmationsPath is the path of the list of subscriptions that are not
// confirmed, with the tokens that AWS sends to their endpoints.
const ConfirmationsPath = "/_permstack/confirmations"

func confirmationsHandler(list func(topicARN string) []sns.Confirmation) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			http.Error(w, "use GET", http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(list("")) // fails only if the client has gone
	})
}

// message is a published message in that list.
type message struct {
	Topic      string            `json:"topic"` // ARN
	Subject    string            `json:"subject"`
	Body       string            `json:"body"`       // with the JSON structure, a text for each protocol
	Attributes map[string]string `json:"attributes"` // text values
	Recipients []string          `json:"recipients"` // "email:a@example.com"
	Time       time.Time         `json:"time"`
}

// messagesHandler returns the messages of all topics, oldest first.
func messagesHandler(list func(topicARN string) []sns.Message) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			http.Error(w, "use GET", http.StatusMethodNotAllowed)
			return
		}
		out := []message{}
		for _, m := range list("") {
			one := message{
				Topic: m.TopicARN, Subject: m.Subject, Body: m.Body, Attributes: map[string]string{},
				Recipients: append([]string{}, m.Recipients...), Time: m.Time.UTC(),
			}
			for name, a := range m.Attributes {
				one.Attributes[name] = a.StringValue
			}
			out = append(out, one)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out) // fails only if the client has gone
	})
}
