package permissionstack

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// pseudo lists the pseudo parameters that a set may contain.
var pseudo = [...]string{
	"${AWS::Region}", "${AWS::AccountId}", "${AWS::Partition}", "${AWS::URLSuffix}", "${AWS::StackName}",
	"${AWS::StackId}",
}

func hasPseudo(s string) bool {
	for _, p := range pseudo {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}

// pseudoPrefix returns the pseudo parameter at the beginning of a string, or "".
func pseudoPrefix(s string) string {
	for _, p := range pseudo {
		if strings.HasPrefix(s, p) {
			return p
		}
	}
	return ""
}

// policyVariable matches a policy variable of IAM that is a plain name.
var policyVariable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\$\{([A-Za-z0-9:/_.-]+)\}`) })

// subArgument returns the argument of Fn::Sub for a string in which "${" begins
// pseudo parameters, and policy variables of IAM, which CloudFormation must leave
// as they are. "${!Name}" is literally "${Name}" (CloudFormation Template
// Reference, "Fn::Sub"); that is documented for names only, so anything else,
// such as IAM's "${*}", is a value of the function's map.
func subArgument(s string) any {
	var b strings.Builder
	literals := map[string]string{}
	for {
		before, _, found := strings.Cut(s, "${")
		b.WriteString(before)
		if !found {
			break
		}
		s = s[len(before):]
		if p := pseudoPrefix(s); p != "" {
			b.WriteString(p)
			s = s[len(p):]
			continue
		}
		if m := policyVariable().FindStringSubmatch(s); m != nil {
			b.WriteString("${!" + m[1] + "}")
			s = s[len(m[0]):]
			continue
		}
		literal := "${" // of a variable that is not closed
		if end := strings.IndexByte(s, '}'); end > 0 && !strings.Contains(s[len(literal):end], literal) {
			literal = s[:end+1]
		}
		name := fmt.Sprint("Literal", len(literals)+1)
		literals[name] = literal
		b.WriteString("${" + name + "}")
		s = s[len(literal):]
	}
	if len(literals) == 0 {
		return b.String()
	}
	return []any{b.String(), literals}
}
