package notify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"permstack/internal/notify/finding"
)

// maxDetailed is how many findings an e-mail tells in full; nobody reads more.
// The JSON holds all that fit.
const maxDetailed = 50

// maxLine is the longest value in an e-mail, in bytes.
const maxLine = 500

// maxDetails bounds the lines under one finding.
const maxDetails = 20

func sortReported(list []Reported) {
	slices.SortStableFunc(list, func(a, b Reported) int {
		if c := rank(a.Direction) - rank(b.Direction); c != 0 {
			return c
		}
		if c := noveltyRank(a.News) - noveltyRank(b.News); c != 0 {
			return c
		}
		return strings.Compare(a.Stack+"\x00"+a.LogicalID+"\x00"+a.ID, b.Stack+"\x00"+b.LogicalID+"\x00"+b.ID)
	})
}

func noveltyRank(n Novelty) int {
	return slices.Index([]Novelty{Appeared, Changed, Reminder, Found}, n)
}

// Text is the message as an e-mail.
func (m Message) Text() string {
	var b strings.Builder
	b.WriteString(m.opening())
	b.WriteString("\n\n")
	fmt.Fprintf(&b, "Stack    %s\nAccount  %s, %s\nProfile  %s\nTime     %s\n", m.Stack, m.Account, m.Region, m.Profile, when(m.Time))
	if c := m.Counts; c != nil {
		fmt.Fprintf(&b, "Checked  %s: %s", count(c.Checked, "resource"), count(c.Standing, "difference"))
		if c.Unreadable > 0 {
			fmt.Fprintf(&b, ", %d unreadable", c.Unreadable)
		}
		if c.NotReached > 0 {
			fmt.Fprintf(&b, ", %d not reached", c.NotReached)
		}
		b.WriteString("\n")
	}
	m.writeFindings(&b)
	m.writeResolved(&b)
	m.writeReverted(&b)
	if len(m.NotReached) > 0 {
		fmt.Fprintf(&b, "\nNOT REACHED before the deadline, to be looked at in the next run:\n  %s\n", strings.Join(firstOf(m.NotReached, maxDetails), ", "))
	}
	m.writeAccess(&b)
	if m.Omitted > 0 {
		fmt.Fprintf(&b, "\nLeft out of this message for lack of space: %d\n", m.Omitted)
	}
	fmt.Fprintf(&b, "\nTo look for yourself: permstack drift --stack %s --region %s\n", m.Stack, m.Region)
	return b.String()
}

func (m Message) opening() string {
	switch {
	case m.Kind == KindAccess:
		return accessOpening(m)
	case m.Status == InSync:
		return "The access of your backup service is as it was deployed."
	case len(m.Findings) == 0 && len(m.Resolved) > 0:
		return "Some of what differed in the access of your backup service was put right."
	case m.Status == Unknown:
		return "The access of your backup service could not be checked completely."
	default:
		return "The access of your backup service is not as it was deployed."
	}
}

func (m Message) writeFindings(b *strings.Builder) {
	number := 0
	for _, d := range directions {
		titled := false
		for _, f := range m.Findings {
			if f.Direction != d {
				continue
			}
			if number++; number > maxDetailed {
				continue
			}
			if !titled {
				fmt.Fprintf(b, "\n%s\n", heading(d))
				titled = true
			}
			f.write(b, number)
		}
	}
	if number > maxDetailed {
		fmt.Fprintf(b, "\nand %d more, which are in the JSON form of this message\n", number-maxDetailed)
	}
}

// write tells one finding: what, since when, what to do.
func (f Reported) write(b *strings.Builder, number int) {
	novelty := map[Novelty]string{Appeared: "new", Changed: "changed since it was told", Reminder: "still there"}[f.News]
	what := kindText(f.Kind)
	if f.Subject != "" {
		what += ": " + f.Subject
	}
	fmt.Fprintf(b, "\n%d. %s\n", number, what)
	line := func(name, text string) {
		if text != "" {
			text = clampText(strings.Join(strings.Fields(text), " "), maxLine)
			fmt.Fprintf(b, "   %-9s %s\n", name, text)
		}
	}
	line("of", strings.TrimSpace(f.PhysicalID+" ("+f.Type+" "+f.LogicalID+" of stack "+f.Stack+")"))
	line("expected", f.Expected)
	line("found", f.Actual)
	for _, d := range firstOf(f.Details, maxDetails) {
		line("", "- "+clampText(d, maxLine/2))
	}
	line("missing", f.Permission)
	if f.Since != nil {
		line("since", strings.TrimSuffix(when(*f.Since)+", "+novelty, ", "))
	}
	line("to do", f.Advice)
}

func (m Message) writeResolved(b *strings.Builder) {
	if len(m.Resolved) == 0 && (m.Counts == nil || m.Counts.ResolvedUnnamed == 0) {
		return
	}
	b.WriteString("\nRESOLVED\n\n")
	for _, r := range firstOfResolved(m.Resolved) {
		fmt.Fprintf(b, "   - %s (%s), since %s\n", r.What, strings.ReplaceAll(string(r.Direction), "-", " "), when(r.Since))
	}
	if more := len(m.Resolved) - maxDetailed; more > 0 {
		fmt.Fprintf(b, "   - and %d more\n", more)
	}
	if n := m.Counts.ResolvedUnnamed; n > 0 {
		fmt.Fprintf(b, "   - %s whose names were not kept\n", count(n, "finding"))
	}
}

func firstOfResolved(list []Resolved) []Resolved { return list[:min(len(list), maxDetailed)] }

func (m Message) writeReverted(b *strings.Builder) {
	if m.Reverted == nil {
		return
	}
	if len(m.Reverted.Done) > 0 {
		fmt.Fprintf(b, "\nPUT RIGHT by permstack, as OnDrift is revert\n\n   - %s\n", strings.Join(firstOf(m.Reverted.Done, maxDetailed), "\n   - "))
	}
	if len(m.Reverted.Failed) > 0 {
		fmt.Fprintf(b, "\nCOULD NOT BE PUT RIGHT by permstack\n\n   - %s\n", strings.Join(firstOf(m.Reverted.Failed, maxDetailed), "\n   - "))
	}
}

// firstOf gives the first of a list, and says how many there are besides.
func firstOf(list []string, n int) []string {
	if len(list) <= n {
		return list
	}
	return append(slices.Clone(list[:n]), fmt.Sprintf("and %d more", len(list)-n))
}

func when(t time.Time) string { return t.UTC().Format("2 Jan 2006 15:04 UTC") }

// gravest is the direction of the gravest finding, None where there is none.
func gravest(list []Reported) finding.Direction {
	out := None
	for _, f := range list {
		if out == None || rank(f.Direction) < rank(out) {
			out = f.Direction
		}
	}
	return out
}
