package fakeaws

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"

	"github.com/aws/smithy-go/encoding/cbor"
)

// rpcCBOR is the value of the header Smithy-Protocol ("Smithy RPC v2 CBOR protocol",
// Smithy specification).
const rpcCBOR = "rpc-v2-cbor"

// isRPC reports whether a request has the protocol Smithy RPC v2 with CBOR.
func isRPC(r *http.Request) bool { return r.Header.Get("Smithy-Protocol") == rpcCBOR }

// jsonFromCBOR returns the body of a request as JSON. Times become numbers.
func jsonFromCBOR(body []byte) (json.RawMessage, error) {
	if len(body) == 0 { // an operation without input
		return nil, nil
	}
	v, err := cbor.Decode(body)
	if err != nil {
		return nil, err
	}
	plain, err := plainValue(v)
	if err != nil {
		return nil, err
	}
	return json.Marshal(plain)
}

func plainValue(v cbor.Value) (any, error) {
	switch v := v.(type) {
	case cbor.Uint:
		return uint64(v), nil
	case cbor.NegInt:
		return -int64(v), nil
	case cbor.Slice:
		return []byte(v), nil
	case cbor.String:
		return string(v), nil
	case cbor.Bool:
		return bool(v), nil
	case cbor.Float32:
		return float64(v), nil
	case cbor.Float64:
		return float64(v), nil
	case *cbor.Tag:
		return plainValue(v.Value)
	case *cbor.Nil, *cbor.Undefined:
		return nil, nil
	case cbor.List:
		out := make([]any, len(v))
		for i, item := range v {
			plain, err := plainValue(item)
			if err != nil {
				return nil, err
			}
			out[i] = plain
		}
		return out, nil
	case cbor.Map:
		out := map[string]any{}
		for name, item := range v {
			plain, err := plainValue(item)
			if err != nil {
				return nil, err
			}
			out[name] = plain
		}
		return out, nil
	}
	return nil, fmt.Errorf("CBOR value of type %T", v)
}

// epochTime is the tag of a time as seconds since 1970 (RFC 8949, section 3.4.2).
const epochTime = 1

// cborFromJSON returns a response as CBOR. Members whose names end in "Timestamp" or
// "Timestamps" are times, as in the model of CloudWatch.
func cborFromJSON(body []byte) ([]byte, error) {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return nil, err
	}
	return cbor.Encode(cborValue("", v)), nil
}

func cborValue(name string, v any) cbor.Value {
	switch v := v.(type) {
	case string:
		return cbor.String(v)
	case bool:
		return cbor.Bool(v)
	case float64:
		switch {
		case strings.HasSuffix(name, "Timestamp") || name == "Timestamps":
			return &cbor.Tag{ID: epochTime, Value: cbor.Float64(v)}
		case v == math.Trunc(v) && v >= 0:
			return cbor.Uint(v)
		}
		return cbor.Float64(v)
	case []any:
		out := make(cbor.List, len(v))
		for i, item := range v {
			out[i] = cborValue(name, item)
		}
		return out
	case map[string]any:
		out := cbor.Map{}
		for name, item := range v {
			out[name] = cborValue(name, item)
		}
		return out
	}
	return &cbor.Nil{}
}
