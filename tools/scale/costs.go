package main

import (
	"bytes"
	"fmt"
)

// List prices of us-east-1 in dollars, without free tiers and volume discounts.
// From AWS's pricing pages of Lambda, CloudWatch, SNS, SQS, Systems Manager, KMS
// and EventBridge, as of November 2026.
const (
	lambdaGBSecond = 0.0000133334 // arm64
	lambdaRequest  = 0.20 / 1e6
	metricMonth    = 0.30 // a custom metric; by the hour in which it is sent
	alarmMonth     = 0.10
	logGB          = 0.50
	logGBMonth     = 0.03
	snsPublish     = 0.50 / 1e6
	snsEmail       = 2.00 / 1e5
	sqsRequest     = 0.40 / 1e6
	keyMonth       = 1.00 // a KMS key
	kmsRequest     = 0.03 / 1e4
	// crossRegionEvent is an event that a rule sends to a bus of another Region.
	crossRegionEvent = 1.00 / 1e6
	hoursOfMonth     = 730
)

// What one stack uses in a month.
const (
	memoryGB        = 0.25
	secondsARun     = 20 // a complete drift check: some 180 calls, paced
	eventsAMonth    = 10 // checks that events start, of some 25 calls
	secondsAnEvent  = 15 // such a check, with the 10 s that it waits for more events
	requestsARun    = 2  // of SQS, for the queue of events
	requestsAnEvent = 4
	metricsPerStack = 6
	alarmsPerStack  = 3
	alarmsOfHub     = 2 // of a member of an Organization with a hub: without DriftFound
	kilobytesARun   = 12
	mailsAMonth     = 4
	logMonths       = 12
)

// item is a line of the bill.
type item struct {
	what    string
	dollars float64 // for one stack in a month
	member  float64 // the same for a stack of an Organization with a hub
}

func same(what string, dollars float64) item { return item{what, dollars, dollars} }

// bill is what one stack costs with so many checks a day.
func bill(checks int) []item {
	runs := float64(checks) * 30
	metricHours := min(runs, hoursOfMonth)
	gb := runs * kilobytesARun / 1e6
	return []item{
		{
			fmt.Sprintf("alarms: %d, with a hub %d", alarmsPerStack, alarmsOfHub),
			alarmsPerStack * alarmMonth,
			alarmsOfHub * alarmMonth,
		},
		same(fmt.Sprintf("metrics: %d, in %.0f of the month's hours", metricsPerStack, metricHours),
			metricsPerStack*metricMonth*metricHours/hoursOfMonth),
		same(fmt.Sprintf("Lambda: %.0f checks of %d s", runs, secondsARun),
			runs*secondsARun*memoryGB*lambdaGBSecond+runs*lambdaRequest),
		same(fmt.Sprintf("Lambda: %d checks of %d s that events started", eventsAMonth, secondsAnEvent),
			eventsAMonth*(secondsAnEvent*memoryGB*lambdaGBSecond+lambdaRequest)),
		same("logs: written, and kept for a year", gb*logGB+gb*logMonths*logGBMonth),
		same("SNS: messages and mails", mailsAMonth*(snsPublish+snsEmail)),
		same("SQS: the queues of events and of failed runs",
			(2+runs*requestsARun+eventsAMonth*requestsAnEvent)*sqsRequest),
		same("forwarding of IAM's events to another Region", eventsAMonth*crossRegionEvent),
		same("SSM parameter, rules for AWS's own events, CloudFormation, IAM", 0),
	}
}

func costs(b *bytes.Buffer, small, middle, large place) {
	for _, checks := range []int{1, 24} {
		rows := [][]string{{"a month", small.name, middle.name, large.name}}
		one, member := 0.0, 0.0
		of := func(p place, dollarsOfMember float64) float64 { return dollarsOfMember * float64(p.stacks()) }
		for _, i := range bill(checks) {
			rows = append(rows, []string{
				i.what, dollars(i.dollars), dollars(of(middle, i.member)), dollars(of(large, i.member)),
			})
			one, member = one+i.dollars, member+i.member
		}
		hub := func(p place) float64 { return keyMonth + alarmMonth + float64(p.stacks())/30*2*kmsRequest }
		rows = append(rows,
			[]string{"the hub: a key, an alarm, encrypting", "", dollars(hub(middle)), dollars(hub(large))},
			[]string{"**sum**", "**" + dollars(one) + "**", "**" + dollars(of(middle, member)+hub(middle)) + "**",
				"**" + dollars(of(large, member)+hub(large)) + "**"})
		title := "Cost with a check a day"
		if checks == 24 {
			title = "Cost with a check an hour"
		}
		table(b, title, rows...)
	}
}
