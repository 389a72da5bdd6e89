package notify

import "fmt"

const (
	maxValue  = 2 << 10 // bytes of a value in a message
	maxInList = 100     // lines of Details in a message
)

// truncate bounds the size of one finding in a message. What is cut says so.
func truncate(r Reported) Reported {
	for _, s := range []*string{&r.Expected, &r.Actual, &r.Advice, &r.Subject, &r.Permission} {
		*s = truncateText(*s, maxValue)
	}
	r.Details = truncateList(r.Details, maxInList)
	for i, d := range r.Details {
		r.Details[i] = truncateText(d, maxValue)
	}
	return r
}

func truncateText(s string, size int) string {
	if len(s) <= size {
		return s
	}
	kept := fitLabel(s, size)
	return fmt.Sprintf("%s… (%d bytes more)", kept, len(s)-len(kept))
}
