package notify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"permstack/internal/notify/finding"
	"permstack/internal/notify/wording"
)

const (
	maxDetailed = 50  // findings in an e-mail; the JSON contains all that fit
	maxLine     = 500 // bytes of a value in an e-mail
	maxDetails  = 20  // lines below a finding in an e-mail
)

func sortReported(list []Reported) {
	events := []Event{Appeared, Changed, Reminder, Found}
	slices.SortStableFunc(list, func(a, b Reported) int {
		return cmp.Or(rank(a.Direction)-rank(b.Direction),
			slices.Index(events, a.Event)-slices.Index(events, b.Event), strings.Compare(a.Stack, b.Stack),
			strings.Compare(a.LogicalID, b.LogicalID), strings.Compare(a.ID, b.ID))
	})
}

// Text returns the message as an e-mail.
func (m Message) Text() string {
	var b strings.Builder
	b.WriteString(m.opening())
	b.WriteString("\n\n")
	fmt.Fprintf(&b, "Stack    %s\nAccount  %s, %s\nProfile  %s\nTime     %s\n",
		m.Stack, m.Account, m.Region, m.Profile, formatTime(m.Time))
	if m.NarrowedTo != "" {
		fmt.Fprintf(&b, "Scope    %s\n", m.NarrowedTo)
	}
	if c := m.Counts; c != nil {
		fmt.Fprintf(&b, "Checked  %s: %s", wording.Count(c.Checked, "resource"), wording.Count(c.Open, "difference"))
		if c.Unreadable > 0 {
			fmt.Fprintf(&b, ", %d unreadable", c.Unreadable)
		}
		if c.NotReached > 0 {
			fmt.Fprintf(&b, ", %d not reached", c.NotReached)
		}
		b.WriteString("\n")
	}
	if m.Changed != nil {
		fmt.Fprintf(&b, "Changed  %s, reported after %s\n", m.Changed.UTC().Format("2 Jan 2006 15:04:05 UTC"),
			time.Duration(m.Delay)*time.Second)
	}
	m.writeFindings(&b)
	m.writeResolved(&b)
	m.writeReverted(&b)
	if len(m.NotReached) > 0 {
		fmt.Fprintf(&b, "\nNOT REACHED before the deadline; the next run checks them:\n  %s\n",
			strings.Join(truncateList(m.NotReached, maxDetails), ", "))
	}
	m.writeAccess(&b)
	if m.Omitted > 0 {
		fmt.Fprintf(&b, "\nOmitted from this message to fit its maximum size: %d\n", m.Omitted)
	}
	fmt.Fprintf(&b, "\nTo check now: permstack drift --stack %s --region %s\n", m.Stack, m.Region)
	return b.String()
}

func (m Message) opening() string {
	switch {
	case m.Kind == KindAccess:
		return accessOpening(m)
	case m.Status == InSync && len(m.Findings) > 0:
		return "The choices in the stack that you launched were changed. The access of your backup service is as they\n" +
			"define it. If neither you nor your team made the change, notify your security team."
	case m.Status == InSync:
		return "The access of your backup service is as it was deployed."
	case len(m.Findings) == 0 && len(m.Resolved) > 0:
		return "Some differences in the access of your backup service are resolved."
	case m.Status == Unknown:
		return "The access of your backup service could not be checked completely."
	default:
		return "The access of your backup service is not as it was deployed."
	}
}

func (m Message) writeFindings(b *strings.Builder) {
	number := 0
	for _, d := range directions {
		hasHeading := false
		for _, f := range m.Findings {
			if f.Direction != d {
				continue
			}
			if number++; number > maxDetailed {
				continue
			}
			if !hasHeading {
				fmt.Fprintf(b, "\n%s\n", wording.Heading(d))
				hasHeading = true
			}
			f.write(b, number)
		}
	}
	if number > maxDetailed {
		fmt.Fprintf(b, "\nand %d more, which are in the JSON form of this message\n", number-maxDetailed)
	}
}

// eventText is the event of a finding in an e-mail.
var eventText = map[Event]string{
	Appeared: "new",
	Changed:  "changed since the last notification",
	Reminder: "still open",
}

// write writes one finding: what, since when, what to do.
func (r Reported) write(b *strings.Builder, number int) {
	fmt.Fprintf(b, "\n%d. %s\n", number, wording.Title(r.Kind, ": ", r.Subject))
	line := func(name, text string) {
		if text != "" {
			text = truncateText(strings.Join(strings.Fields(text), " "), maxLine)
			fmt.Fprintf(b, "   %-9s %s\n", name, text)
		}
	}
	line("resource", strings.TrimSpace(r.PhysicalID+" ("+r.Type+" "+r.LogicalID+" of stack "+r.Stack+")"))
	line("expected", r.Expected)
	line("found", r.Actual)
	for _, d := range truncateList(r.Details, maxDetails) {
		line("", "- "+truncateText(d, maxLine/2))
	}
	line("missing", r.Permission)
	for _, c := range r.Calls {
		line("by", wording.Call(c))
	}
	if r.Since != nil {
		line("since", strings.TrimSuffix(formatTime(*r.Since)+", "+eventText[r.Event], ", "))
	}
	line("to do", r.Advice)
	if r.Command != "" { // as it is: it is copied
		fmt.Fprintf(b, "   %-9s %s\n", "command", r.Command)
	}
	line("", r.NoCommand)
	line("console", r.Console)
}

func (m Message) writeResolved(b *strings.Builder) {
	if len(m.Resolved) == 0 && (m.Counts == nil || m.Counts.ResolvedUnnamed == 0) {
		return
	}
	b.WriteString("\nRESOLVED\n\n")
	for _, r := range m.Resolved[:min(len(m.Resolved), maxDetailed)] {
		fmt.Fprintf(b, "   - %s (%s), since %s\n", r.What, wording.Direction(r.Direction), formatTime(r.Since))
	}
	if more := len(m.Resolved) - maxDetailed; more > 0 {
		fmt.Fprintf(b, "   - and %d more\n", more)
	}
	if n := m.Counts.ResolvedUnnamed; n > 0 {
		fmt.Fprintf(b, "   - %s whose names were not kept\n", wording.Count(n, "finding"))
	}
}

func (m Message) writeReverted(b *strings.Builder) {
	if m.Reverted == nil {
		return
	}
	section := func(heading string, lines []string) {
		if len(lines) > 0 {
			fmt.Fprintf(b, "\n%s\n\n   - %s\n", heading, strings.Join(truncateList(lines, maxDetailed), "\n   - "))
		}
	}
	section("REVERTED by permstack, because OnDrift is revert", m.Reverted.Done)
	section("COULD NOT BE REVERTED by permstack", m.Reverted.Failed)
}

// truncateList returns the first n of a list, and a line with the number of the others.
func truncateList(list []string, n int) []string {
	if len(list) <= n {
		return list
	}
	return append(slices.Clone(list[:n]), fmt.Sprintf("and %d more", len(list)-n))
}

func formatTime(t time.Time) string { return t.UTC().Format("2 Jan 2006 15:04 UTC") }

// mostSevere returns the direction of the most severe finding; None without
// findings.
func mostSevere(list []Reported) finding.Direction {
	out := None
	for _, f := range list {
		if out == None || rank(f.Direction) < rank(out) {
			out = f.Direction
		}
	}
	return out
}
