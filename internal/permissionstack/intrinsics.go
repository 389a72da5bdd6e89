package permissionstack

import (
	"bytes"
	"encoding/json"
	"fmt"
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
var pseudo = [...]string{"${AWS::Region}", "${AWS::AccountId}", "${AWS::Partition}", "${AWS::URLSuffix}", "${AWS::StackName}", "${AWS::StackId}"}

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

// writeIntrinsics copies compact JSON and turns marked strings and strings with
// pseudo parameters into CloudFormation's functions.
func writeIntrinsics(b *bytes.Buffer, data []byte) error {
	for {
		begin := bytes.IndexByte(data, '"')
		if begin < 0 {
			b.Write(data)
			return nil
		}
		b.Write(data[:begin])
		end := begin + 1
		for plainUntil := bytes.IndexByte(data[end:], '"'); ; plainUntil = bytes.IndexByte(data[end:], '"') {
			// A quote behind an odd number of backslashes belongs to the string.
			end += plainUntil + 1
			if slashes := len(data[:end-1]) - len(bytes.TrimRight(data[:end-1], `\`)); slashes%2 == 0 {
				break
			}
		}
		quoted := data[begin:end]
		data = data[end:]
		isKey := len(data) > 0 && data[0] == ':'
		if err := writeString(b, quoted, isKey); err != nil {
			return err
		}
	}
}

// writeString writes one string of the document, quoted as it stands there.
func writeString(b *bytes.Buffer, quoted []byte, isKey bool) error {
	if !bytes.ContainsAny(quoted, `\$`) { // no function and nothing escaped
		b.Write(quoted)
		return nil
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return err
	}
	marked, sub := strings.HasPrefix(s, mark), hasPseudo(s)
	switch {
	case isKey && (marked || sub): // CloudFormation resolves functions in values only
		return fmt.Errorf("key %q: a key cannot hold a CloudFormation function", s)
	case marked:
		name, rest, _ := strings.Cut(s[len(mark):], mark)
		var value any = rest
		if id, attribute, ok := strings.Cut(rest, mark); ok {
			value = []string{id, attribute}
		}
		writeJSON(b, map[string]any{name: value})
	case sub:
		writeJSON(b, map[string]string{"Fn::Sub": escape(s)})
	default:
		writeJSON(b, s)
	}
	return nil
}

// writeJSON appends strings, lists and maps of strings without HTML escapes,
// which would cost six bytes for every "<", ">" and "&".
func writeJSON(b *bytes.Buffer, v any) {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil { // such values always marshal
		panic(err)
	}
	b.Truncate(b.Len() - 1) // the encoder's new line
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
