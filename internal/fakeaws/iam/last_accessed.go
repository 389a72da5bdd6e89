package iam

import (
	"slices"
	"strings"
	"time"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
)

// Use is the last call of an action by the sessions of a role.
type Use struct {
	Service, Action string // "iam", "GetRole"
	Time            time.Time
	Region          string
}

// SetUses sets the function that returns the last calls of a role's sessions, refused ones included. It must not call
// the service.
func (s *Service) SetUses(f func(account, role string) []Use) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uses = f
}

// accessJob is a report of GenerateServiceLastAccessedDetails.
type accessJob struct {
	role      string
	created   time.Time
	byAction  bool
	completed bool
}

// untracked are actions that IAM does not report: they are data events, which CloudTrail does not log by default, and
// iam:PassRole, which is no call ("Refine permissions in AWS using last accessed information", IAM User Guide).
var untracked = []string{
	"iam:PassRole", "s3:GetObject*", "s3:PutObject*", "s3:DeleteObject*", "s3:ListBucket", "s3:AbortMultipartUpload",
	"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:Batch*", "sns:Publish", "sqs:*",
	"ebs:*",
}

func generateServiceLastAccessedDetails(a *account, call *protocol.Call) (any, error) {
	r := a.roleByARN(call.Str("Arn"))
	if r == nil {
		return nil, noSuchEntity("ARN %s does not exist.", call.Str("Arn"))
	}
	granularity := call.Str("Granularity")
	if granularity != "" && granularity != "SERVICE_LEVEL" && granularity != "ACTION_LEVEL" {
		return nil, constraint("granularity", granularity,
			"Member must satisfy enum value set: [SERVICE_LEVEL, ACTION_LEVEL]")
	}
	id := protocol.NewUUID()
	a.jobs[id] = &accessJob{role: lower(r.name), created: a.clock(), byAction: granularity == "ACTION_LEVEL"}
	return struct{ JobId string }{id}, nil
}

type xmlServiceAccess struct {
	ServiceName                string
	LastAuthenticated          *protocol.Time `xml:",omitempty"`
	ServiceNamespace           string
	LastAuthenticatedEntity    string `xml:",omitempty"`
	LastAuthenticatedRegion    string `xml:",omitempty"`
	TotalAuthenticatedEntities int
	TrackedActionsLastAccessed *xmlTracked `xml:",omitempty"`
}

type xmlTracked struct {
	Member []xmlActionAccess `xml:"member"`
}

type xmlActionAccess struct {
	ActionName         string
	LastAccessedEntity string         `xml:",omitempty"`
	LastAccessedTime   *protocol.Time `xml:",omitempty"`
	LastAccessedRegion string         `xml:",omitempty"`
}

type accessDetails struct {
	JobStatus            string
	JobType              string
	JobCreationDate      protocol.Time
	JobCompletionDate    *protocol.Time     `xml:",omitempty"`
	ServicesLastAccessed []xmlServiceAccess `xml:"ServicesLastAccessed>member"`
	page
}

// getServiceLastAccessedDetails returns a report. It is in progress when it is read for the first time, and complete
// afterwards.
func getServiceLastAccessedDetails(a *account, call *protocol.Call) (any, error) {
	job := a.jobs[call.Str("JobId")]
	if job == nil {
		return nil, noSuchEntity("Job %s does not exist.", call.Str("JobId"))
	}
	out := accessDetails{
		JobStatus: "IN_PROGRESS", JobType: "SERVICE_LEVEL", JobCreationDate: protocol.Time(job.created),
		ServicesLastAccessed: []xmlServiceAccess{},
	}
	if job.byAction {
		out.JobType = "ACTION_LEVEL"
	}
	if !job.completed {
		job.completed = true
		return out, nil
	}
	done := protocol.Time(a.clock())
	out.JobStatus, out.JobCompletionDate = "COMPLETED", &done
	var err error
	out.ServicesLastAccessed, out.page, err = paginate(call, a.serviceAccess(job),
		func(s xmlServiceAccess) string { return s.ServiceNamespace })
	return out, err
}

// serviceAccess returns the services that a role's policies allow, with their last use.
func (a *account) serviceAccess(job *accessJob) []xmlServiceAccess {
	r := a.roles[job.role]
	if r == nil {
		return nil
	}
	var uses []Use
	if a.service.uses != nil {
		uses = a.service.uses(a.id, r.name)
	}
	out := []xmlServiceAccess{}
	granted := a.grantedActions(r)
	for service, names := range granted {
		one := xmlServiceAccess{ServiceName: service, ServiceNamespace: service}
		tracked := &xmlTracked{}
		for _, n := range names {
			action := xmlActionAccess{ActionName: n}
			for _, u := range uses {
				if u.Service != service || !strings.EqualFold(u.Action, n) {
					continue
				}
				at := protocol.Time(u.Time)
				action.LastAccessedEntity, action.LastAccessedTime, action.LastAccessedRegion = r.arn, &at, u.Region
			}
			if !isUntracked(service + ":" + n) {
				tracked.Member = append(tracked.Member, action)
			}
		}
		for _, u := range uses {
			if u.Service == service && (one.LastAuthenticated == nil || u.Time.After(time.Time(*one.LastAuthenticated))) {
				at := protocol.Time(u.Time)
				one.LastAuthenticated, one.LastAuthenticatedRegion = &at, u.Region
				one.LastAuthenticatedEntity, one.TotalAuthenticatedEntities = r.arn, 1
			}
		}
		if job.byAction && one.LastAuthenticated != nil && len(tracked.Member) > 0 {
			one.TrackedActionsLastAccessed = tracked
		}
		out = append(out, one)
	}
	return out
}

func isUntracked(action string) bool {
	return slices.ContainsFunc(untracked, func(p string) bool { return eval.Wildcard(p, action) })
}

// grantedActions returns the names of the actions without wildcards that a role's policies allow, sorted, by service.
func (a *account) grantedActions(r *role) map[string][]string {
	var documents []string
	for _, p := range r.inline {
		documents = append(documents, p.document)
	}
	partition := strings.Split(r.arn, ":")[1]
	for _, arn := range r.attached {
		if p := a.policyByARN(partition, arn); p != nil {
			documents = append(documents, p.current().document)
		}
	}
	out := map[string][]string{}
	for _, text := range documents {
		doc, err := iampolicy.Parse([]byte(text))
		if err != nil {
			continue // IAM accepts no such document
		}
		for _, s := range doc.Statement {
			for _, action := range s.Action {
				service, name, ok := strings.Cut(action, ":")
				if !ok || s.Effect != "Allow" {
					continue
				}
				if names := out[service]; strings.Contains(name, "*") || slices.Contains(names, name) {
					out[service] = names // the service is listed without these actions
				} else {
					out[service] = append(names, name)
				}
			}
		}
	}
	for _, names := range out {
		slices.Sort(names)
	}
	return out
}
