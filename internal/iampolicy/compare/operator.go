package compare

import "strings"

// family is the type that an operator compares. Values of one family can be compared with each other.
type family int

const (
	opaque  family = iota // an unknown operator
	text                  // strings and ARNs
	boolean               // true and false
	octets                // base64
	number                // intervals of numbers
	date                  // intervals of time
	address               // IP networks
	null                  // whether the key is present
)

var families = map[string]family{
	"stringequals": text, "stringequalsignorecase": text, "stringlike": text, "arnequals": text, "arnlike": text,
	"bool": boolean, "binaryequals": octets, "ipaddress": address, "null": null,
	"numericequals": number, "numericlessthan": number, "numericlessthanequals": number,
	"numericgreaterthan": number, "numericgreaterthanequals": number,
	"dateequals": date, "datelessthan": date, "datelessthanequals": date,
	"dategreaterthan": date, "dategreaterthanequals": date,
}

var negations = map[string]string{
	"stringnotequals": "stringequals", "stringnotequalsignorecase": "stringequalsignorecase",
	"stringnotlike": "stringlike", "arnnotequals": "arnequals", "arnnotlike": "arnlike",
	"numericnotequals": "numericequals", "datenotequals": "dateequals", "notipaddress": "ipaddress",
}

// readOperator parses a condition operator: the base operator in lower case, mode, negation and family. Operators are
// case-insensitive, as in IAM.
func readOperator(operator string) (base string, m mode, negated bool, f family) {
	base = strings.ToLower(operator)
	if rest, ok := strings.CutPrefix(base, "forallvalues:"); ok {
		base, m = rest, forAll
	} else if rest, ok := strings.CutPrefix(base, "foranyvalue:"); ok {
		base, m = rest, forAny
	}
	if base == "null" && m == plain {
		return base, plain, false, null
	}
	base, exists := strings.CutSuffix(base, "ifexists")
	positive, negated := negations[base]
	if negated {
		base = positive
	}
	f = families[base]
	if f == null {
		f = opaque // Null takes neither prefix nor suffix
	}
	switch {
	case exists && m == forAny:
		m = forAnyIfExist
	case exists && m == plain && !negated:
		m = ifExists
	}
	return base, m, negated, f
}
