package iam

import (
	"regexp"
	"slices"
	"strconv"

	"permstack/internal/fakeaws/protocol"
)

var versionPattern = regexp.MustCompile(`^v[1-9][0-9]*(\.[A-Za-z0-9-]*)?$`)

type xmlVersion struct {
	Document         string `xml:",omitempty"`
	VersionId        string
	IsDefaultVersion bool
	CreateDate       protocol.Time
}

func (v version) brief() xmlVersion {
	return xmlVersion{VersionId: v.id, IsDefaultVersion: v.isDefault, CreateDate: protocol.Time(v.created)}
}

type versionResult struct{ PolicyVersion xmlVersion }

// customerPolicyVersion finds the version that a call names of a customer
// managed policy.
func (a *account) customerPolicyVersion(call *protocol.Call) (*policy, int, error) {
	p, err := a.customerPolicy(call)
	if err != nil {
		return nil, 0, err
	}
	i, err := versionIndex(p, call)
	return p, i, err
}

// versionIndex returns the index of the version that a call names.
func versionIndex(p *policy, call *protocol.Call) (int, error) {
	id := call.Str("VersionId")
	if !versionPattern.MatchString(id) {
		return 0, constraint("versionId", id,
			"Member must satisfy regular expression pattern: v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?")
	}
	i := slices.IndexFunc(p.versions, func(v version) bool { return v.id == id })
	if i < 0 {
		return 0, noSuchEntity("Policy %s version %s does not exist or is not attachable.", p.arn, id)
	}
	return i, nil
}

func createPolicyVersion(a *account, call *protocol.Call) (any, error) {
	p, err := a.customerPolicy(call)
	if err != nil {
		return nil, err
	}
	setDefault, err := call.Bool("SetAsDefault", false)
	if err != nil {
		return nil, err
	}
	doc, err := parseManagedPolicy(call)
	if err != nil {
		return nil, err
	}
	if len(p.versions) >= maxVersions {
		return nil, limitExceeded(
			"A managed policy can have up to %d versions. Before you create a new version, you must delete an "+
				"existing version.", maxVersions)
	}
	v := version{id: "v" + strconv.Itoa(p.nextVersion), document: doc, created: a.clock()}
	p.nextVersion++
	p.versions = append(p.versions, v)
	if setDefault {
		p.setDefault(len(p.versions)-1, a)
	}
	return versionResult{p.versions[len(p.versions)-1].brief()}, nil
}

func (p *policy) setDefault(index int, a *account) {
	for i := range p.versions {
		p.versions[i].isDefault = i == index
	}
	p.updated = a.clock()
}

func getPolicyVersion(a *account, call *protocol.Call) (any, error) {
	p, err := a.policy(call)
	if err != nil {
		return nil, err
	}
	i, err := versionIndex(p, call)
	if err != nil {
		return nil, err
	}
	x := p.versions[i].brief()
	x.Document = encodeDocument(p.versions[i].document)
	return versionResult{x}, nil
}

func deletePolicyVersion(a *account, call *protocol.Call) (any, error) {
	p, i, err := a.customerPolicyVersion(call)
	if err != nil {
		return nil, err
	}
	if p.versions[i].isDefault {
		return nil, deleteConflict("Cannot delete the default version of a policy.")
	}
	p.versions = slices.Delete(p.versions, i, i+1)
	return nil, nil
}

func setDefaultPolicyVersion(a *account, call *protocol.Call) (any, error) {
	p, i, err := a.customerPolicyVersion(call)
	if err != nil {
		return nil, err
	}
	p.setDefault(i, a)
	return nil, nil
}

func listPolicyVersions(a *account, call *protocol.Call) (any, error) {
	p, err := a.policy(call)
	if err != nil {
		return nil, err
	}
	var out []xmlVersion
	for _, v := range slices.Backward(p.versions) {
		out = append(out, v.brief())
	}
	// Newest first, as IAM lists them; five at most, so one page is enough.
	return struct {
		Versions []xmlVersion `xml:"Versions>member"`
		page
	}{out, page{}}, nil
}
