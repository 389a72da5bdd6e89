package sts

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"strings"

	"permstack/internal/fakeaws/protocol"
)

// Refusal is a refused request, as an encoded authorization message describes it.
type Refusal struct {
	Principal string // ARN of the caller
	Action    string
	Resource  string
	Explicit  bool
	Context   map[string][]string
}

// messageVersion is the first byte of a message, so that its text does not begin with a hyphen, like a flag.
const messageVersion = 1

// newSealer returns the cipher of encoded messages. Its key is random: no other STS decodes them.
func newSealer() cipher.AEAD {
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails since Go 1.24
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // the size of the key is valid
	}
	sealer, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has the block size that GCM needs
	}
	return sealer
}

// EncodeRefusal returns an encoded authorization message, which only the account of the request decodes. Services that
// send such messages, as EC2 does, are not part of the embedded AWS: tests write the error message around it.
func (s *Service) EncodeRefusal(account string, r Refusal) (string, error) {
	data, err := json.Marshal(r.document())
	if err != nil {
		return "", err
	}
	nonce := make([]byte, s.sealer.NonceSize())
	_, _ = rand.Read(nonce)
	sealed := s.sealer.Seal(append([]byte{messageVersion}, nonce...), nonce, data, []byte(account))
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// document returns a refusal in the form of the decoded message in the AWS CLI Command Reference,
// "sts decode-authorization-message".
func (r Refusal) document() any {
	type value struct {
		Value string `json:"value"`
	}
	type list[T any] struct {
		Items []T `json:"items"`
	}
	type condition struct {
		Key    string      `json:"key"`
		Values list[value] `json:"values"`
	}
	conditions := list[condition]{Items: []condition{}}
	for key, values := range r.Context {
		c := condition{Key: key}
		for _, v := range values {
			c.Values.Items = append(c.Values.Items, value{v})
		}
		conditions.Items = append(conditions.Items, c)
	}
	none := list[any]{Items: []any{}}
	name := r.Principal[strings.LastIndex(r.Principal, "/")+1:]
	return map[string]any{
		"allowed": false, "explicitDeny": r.Explicit, "matchedStatements": none, "failures": none,
		"context": map[string]any{
			"principal": map[string]string{"id": "AROAEXAMPLE:" + name, "arn": r.Principal},
			"action":    r.Action, "resource": r.Resource, "conditions": conditions,
		},
	}
}

// decodeAuthorizationMessage is the API call.
func (s *Service) decodeAuthorizationMessage(_ context.Context, call *protocol.Call) (any, error) {
	data, err := base64.RawURLEncoding.DecodeString(call.Str("EncodedMessage"))
	size := 1 + s.sealer.NonceSize()
	if err == nil && len(data) > size && data[0] == messageVersion {
		data, err = s.sealer.Open(nil, data[1:size], data[size:], []byte(call.Account))
		if err == nil {
			return struct{ DecodedMessage string }{string(data)}, nil
		}
	}
	return nil, protocol.Errorf("InvalidAuthorizationMessageException",
		"The error was returned because the message passed to DecodeAuthorizationMessage was invalid.")
}
