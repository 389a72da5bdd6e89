package notify

import "fmt"

const (
	maxValue  = 2 << 10 // bytes of Expected, Actual and the like in a message
	maxInList = 100     // lines of Details in a message
)

// clamp bounds what one finding takes of a message, and says that it did.
func clamp(f Reported) Reported {
	for _, s := range []*string{&f.Expected, &f.Actual, &f.Advice, &f.Subject, &f.Permission} {
		*s = clampText(*s, maxValue)
	}
	f.Details = firstOf(f.Details, maxInList)
	for i, d := range f.Details {
		if len(d) > maxValue {
			f.Details = append([]string(nil), f.Details...)
			f.Details[i] = clampText(d, maxValue)
		}
	}
	return f
}

func clampText(s string, size int) string {
	if len(s) <= size {
		return s
	}
	kept := fitLabel(s, size)
	return fmt.Sprintf("%s… (%d bytes more)", kept, len(s)-len(kept))
}
