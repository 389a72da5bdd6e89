package notify

import "fmt"

const (
	maxValue  = 2 << 10 // bytes of a value in a message
	maxInList = 100     // lines of Details in a message
	// maxCommand bounds commands, which are not cut. Browsers accept addresses of this length.
	maxCommand = 4 << 10
)

// truncate bounds the size of one finding in a message. What is cut says so.
func truncate(r Reported) Reported {
	for _, s := range []*string{&r.Expected, &r.Actual, &r.Advice, &r.Subject, &r.Permission} {
		*s = truncateText(*s, maxValue)
	}
	if len(r.Command) > maxCommand {
		r.Command, r.NoCommand = "", "The command is longer than a message may contain: permstack drift revert resolves it."
	}
	if len(r.Console) > maxCommand {
		r.Console = ""
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
