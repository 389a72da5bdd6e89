package permissionstack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// mark begins a string that stands for an intrinsic function. No string of AWS
// may hold a NUL, so no name, tag or policy can be taken for one.
const mark = "\x00"

// ref stands for {"Ref": id}, getAtt for {"Fn::GetAtt": [id, attribute]}: a
// goformation property is a string, also where CloudFormation takes a function.
func ref(id string) string               { return mark + "Ref" + mark + id }
func getAtt(id, attribute string) string { return mark + "Fn::GetAtt" + mark + id + mark + attribute }

// pseudo lists the pseudo parameters that a set may hold.
var pseudo = [...]string{"${AWS::Region}", "${AWS::AccountId}", "${AWS::Partition}", "${AWS::URLSuffix}"}

// pseudoAt is the pseudo parameter at the begin of a string, or nothing.
func pseudoAt(s string) string {
	for _, p := range pseudo {
		if strings.HasPrefix(s, p) {
			return p
		}
	}
	return ""
}

func hasPseudo(s string) bool {
	for _, p := range pseudo {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}

// intrinsics copies JSON, white space left out and order kept, and turns marked
// strings and strings with pseudo parameters into CloudFormation's functions.
func intrinsics(data []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var b bytes.Buffer
	if err := copyValue(&b, dec); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("text after the template")
	}
	return b.Bytes(), nil
}

func copyValue(b *bytes.Buffer, dec *json.Decoder) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	switch t := token.(type) {
	case json.Delim:
		return copyGroup(b, dec, t)
	case string:
		return writeString(b, t)
	default:
		return writeJSON(b, t)
	}
}

func copyGroup(b *bytes.Buffer, dec *json.Decoder, open json.Delim) error {
	b.WriteByte(byte(open))
	for first := true; dec.More(); first = false {
		if !first {
			b.WriteByte(',')
		}
		if open == '{' {
			key, err := dec.Token()
			if err != nil {
				return err
			}
			// CloudFormation resolves functions in values only.
			if s := key.(string); hasPseudo(s) || strings.Contains(s, mark) {
				return fmt.Errorf("write key %q: a key cannot hold a CloudFormation function", s)
			}
			if err := writeJSON(b, key); err != nil {
				return err
			}
			b.WriteByte(':')
		}
		if err := copyValue(b, dec); err != nil {
			return err
		}
	}
	end, err := dec.Token()
	if err != nil {
		return err
	}
	b.WriteByte(byte(end.(json.Delim)))
	return nil
}

func writeString(b *bytes.Buffer, s string) error {
	switch {
	case strings.HasPrefix(s, mark):
		name, rest, _ := strings.Cut(s[len(mark):], mark)
		var value any = rest
		if id, attribute, ok := strings.Cut(rest, mark); ok {
			value = []string{id, attribute}
		}
		return writeJSON(b, map[string]any{name: value})
	case hasPseudo(s):
		return writeJSON(b, map[string]string{"Fn::Sub": escape(s)})
	default:
		return writeJSON(b, s)
	}
}

// escape keeps every "${" that is no pseudo parameter through Fn::Sub, which
// reads "${!" as a literal "${": IAM's policy variables are written alike.
func escape(s string) string {
	var b strings.Builder
	for {
		at := strings.Index(s, "${")
		if at < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:at])
		s = s[at:]
		written, kept := pseudoAt(s), pseudoAt(s)
		if kept == "" {
			written, kept = "${!", "${"
		}
		b.WriteString(written)
		s = s[len(kept):]
	}
}
