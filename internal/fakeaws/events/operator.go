package events

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// checkOperator returns why the argument of a comparison operator is not valid; "" if it is. The rules are those of
// EventBridge's engine, github.com/aws/event-ruler (JsonRuleCompiler).
func checkOperator(operator string, value any) string {
	text, isText := value.(string)
	switch operator {
	case "exists":
		if _, ok := value.(bool); !ok {
			return "exists match pattern must be either true or false."
		}
	case "numeric":
		return checkNumeric(value)
	case "prefix", "suffix":
		object, isObject := value.(map[string]any)
		_, ignoresCase := object["equals-ignore-case"].(string)
		if !isText && (!isObject || len(object) != 1 || !ignoresCase) {
			return operator + " match pattern must be a string"
		}
	case "equals-ignore-case":
		if !isText {
			return "equals-ignore-case match pattern must be a string"
		}
	case "wildcard":
		if !isText {
			return "wildcard match pattern must be a string"
		}
		return checkWildcard(text)
	case "cidr":
		_, rangeErr := netip.ParsePrefix(text)
		_, addressErr := netip.ParseAddr(text)
		if !isText || rangeErr != nil && addressErr != nil {
			return "Malformed CIDR, one '/' required"
		}
	case "anything-but":
		return checkAnythingBut(value)
	}
	return ""
}

// checkNumeric allows one operator, or a range whose lower bound comes first.
func checkNumeric(value any) string {
	list, _ := value.([]any)
	if len(list) != 2 && len(list) != 4 {
		return "Value of numeric must be an array of operators and numbers"
	}
	var operators []string
	var numbers []float64
	for i := 0; i < len(list); i += 2 {
		operator, _ := list[i].(string)
		number, isNumber := list[i+1].(float64)
		switch {
		case !slices.Contains([]string{"=", "<", "<=", ">", ">="}, operator):
			return fmt.Sprintf("Unrecognized numeric range operator: %v", list[i])
		case !isNumber:
			return "Value of " + operator + " must be numeric"
		}
		operators, numbers = append(operators, operator), append(numbers, number)
	}
	if len(operators) == 2 {
		switch {
		case operators[0][0] != '>' || operators[1][0] != '<':
			return "Bad numeric range operators: a range begins with > or >= and ends with < or <="
		case numbers[0] >= numbers[1]:
			return "Bottom must be less than top"
		}
	}
	return ""
}

func checkWildcard(text string) string {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\':
			if i++; i == len(text) || text[i] != '*' && text[i] != '\\' {
				return fmt.Sprintf("Invalid escape character at pos %d", i-1)
			}
		case text[i] == '*' && strings.HasPrefix(text[i+1:], "*"):
			return fmt.Sprintf("Consecutive wildcard characters at pos %d", i)
		}
	}
	return ""
}

// checkAnythingBut allows a value, a list of texts or of numbers, and an operator on texts.
func checkAnythingBut(value any) string {
	switch value := value.(type) {
	case string, float64:
		return ""
	case []any:
		return checkList(value)
	case map[string]any:
		for operator, argument := range value {
			if len(value) > 1 || !slices.Contains([]string{"prefix", "suffix", "equals-ignore-case", "wildcard"}, operator) {
				return "Unsupported anything-but pattern: " + operator
			}
			list, isList := argument.([]any)
			if !isList {
				list = []any{argument}
			}
			for _, item := range list {
				text, isText := item.(string)
				if !isText || text == "" {
					return operator + " match pattern of anything-but must be a string"
				}
				if reason := checkOperator(operator, text); reason != "" {
					return reason
				}
			}
			return checkList(list)
		}
	}
	return "Value of anything-but must be an array or single string/number value."
}

// checkList allows texts, or numbers, but not both.
func checkList(list []any) string {
	texts, numbers := 0, 0
	for _, item := range list {
		switch item.(type) {
		case string:
			texts++
		case float64:
			numbers++
		default:
			return "Inside anything but list, start|null|boolean is not supported."
		}
	}
	switch {
	case len(list) == 0:
		return "Empty arrays are not allowed"
	case texts > 0 && numbers > 0:
		return "Inside anything but list, either all values are number or string, mixed type is not supported"
	}
	return ""
}
