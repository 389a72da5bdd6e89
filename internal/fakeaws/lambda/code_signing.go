package lambda

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"regexp"
	"slices"
	"strings"
	"time"

	"permstack/internal/fakeaws/protocol"
)

// signingConfig is a code signing configuration.
type signingConfig struct {
	arn, description string
	publishers       []string // ARNs of versions of signing profiles
	policy           string   // UntrustedArtifactOnDeployment
	modified         time.Time
}

// Values of UntrustedArtifactOnDeployment. The default is to warn (API reference, CodeSigningPolicies).
const (
	warn    = "Warn"
	enforce = "Enforce"
)

// describe returns CodeSigningConfig of the API.
func (c signingConfig) describe() map[string]any {
	return map[string]any{
		"CodeSigningConfigArn": c.arn, "CodeSigningConfigId": c.arn[strings.LastIndexByte(c.arn, ':')+1:],
		"Description":         c.description,
		"AllowedPublishers":   map[string]any{"SigningProfileVersionArns": c.publishers},
		"CodeSigningPolicies": map[string]any{"UntrustedArtifactOnDeployment": c.policy},
		"LastModified":        c.modified.UTC().Format("2006-01-02T15:04:05.000+0000"),
	}
}

func signingConfigARN(account, region, id string) string {
	parts := []string{"arn", protocol.Partition(region), "lambda", region, account, "code-signing-config", id}
	return strings.Join(parts, ":")
}

func signingConfigNotFound(arn string) error {
	return protocol.Errorf("CodeSigningConfigNotFoundException",
		"The code signing configuration cannot be found. Check that the provided configuration is not deleted: %s.", arn).
		WithStatus(404)
}

// signingConfig returns a code signing configuration of the account and Region.
func (r *Registry) signingConfig(account, region, arn string) (signingConfig, error) {
	prefix := signingConfigARN(account, region, "")
	r.mu.Lock()
	defer r.mu.Unlock()
	c, found := r.signing[arn]
	if !found || !strings.HasPrefix(arn, prefix) {
		return signingConfig{}, signingConfigNotFound(arn)
	}
	return c, nil
}

func (r *Registry) createSigningConfig(call *protocol.Call, _ string) (any, error) {
	var in struct {
		Description       string
		AllowedPublishers struct {
			Profiles []string `json:"SigningProfileVersionArns"`
		}
		CodeSigningPolicies struct{ UntrustedArtifactOnDeployment string }
	}
	if err := call.Decode(&in); err != nil {
		return nil, err
	}
	policy := in.CodeSigningPolicies.UntrustedArtifactOnDeployment
	if policy == "" {
		policy = warn
	}
	if len(in.AllowedPublishers.Profiles) == 0 || !slices.Contains([]string{warn, enforce}, policy) {
		return nil, protocol.Errorf("InvalidParameterValueException",
			"AllowedPublishers or UntrustedArtifactOnDeployment is not valid.")
	}
	id := "csc-" + strings.ToLower(rand.Text()[:17])
	c := signingConfig{
		arn: signingConfigARN(call.Account, call.Region, id), description: in.Description,
		publishers: in.AllowedPublishers.Profiles, policy: policy, modified: r.o.Clock(),
	}
	r.mu.Lock()
	r.signing[c.arn] = c
	r.mu.Unlock()
	return map[string]any{"CodeSigningConfig": c.describe()}, nil
}

func (r *Registry) getSigningConfig(call *protocol.Call, arn string) (any, error) {
	c, err := r.signingConfig(call.Account, call.Region, arn)
	if err != nil {
		return nil, err
	}
	return map[string]any{"CodeSigningConfig": c.describe()}, nil
}

// deleteSigningConfig deletes a configuration that no function has (API reference, DeleteCodeSigningConfig).
func (r *Registry) deleteSigningConfig(call *protocol.Call, arn string) (any, error) {
	if _, err := r.signingConfig(call.Account, call.Region, arn); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.functions {
		if e.f.CodeSigning == arn {
			return nil, protocol.Errorf("ResourceConflictException", "Function %s has the code signing configuration %s",
				e.f.Name, arn).WithStatus(409)
		}
	}
	delete(r.signing, arn)
	return nil, nil
}

// getFunctionSigningConfig returns no ARN for a function without a configuration.
func (r *Registry) getFunctionSigningConfig(call *protocol.Call, name string) (any, error) {
	f, err := r.get(call, name)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"FunctionName": f.Name}
	if f.CodeSigning != "" {
		out["CodeSigningConfigArn"] = f.CodeSigning
	}
	return out, nil
}

// putFunctionSigningConfig does not verify the code that the function has (Developer Guide, "Using code signing").
func (r *Registry) putFunctionSigningConfig(call *protocol.Call, name string) (any, error) {
	var in struct{ CodeSigningConfigArn string }
	if err := call.Decode(&in); err != nil {
		return nil, err
	}
	if _, err := r.signingConfig(call.Account, call.Region, in.CodeSigningConfigArn); err != nil {
		return nil, err
	}
	err := r.Change(Resolve(call.Account, call.Region, name), func(f *Function) error {
		f.CodeSigning = in.CodeSigningConfigArn
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r.getFunctionSigningConfig(call, name)
}

func (r *Registry) deleteFunctionSigningConfig(call *protocol.Call, name string) (any, error) {
	return nil, r.Change(Resolve(call.Account, call.Region, name), func(f *Function) error {
		f.CodeSigning = ""
		return nil
	})
}

// verifyCode refuses code that has no signature if the function's configuration enforces one.
func (r *Registry) verifyCode(f *Function) error {
	if f.CodeSigning == "" {
		return nil
	}
	c, err := r.signingConfig(f.Account, f.Region, f.CodeSigning)
	if err != nil {
		return err
	}
	if c.policy == enforce && !signed(f.Code.Zip) {
		return protocol.Errorf("CodeVerificationFailedException", "Lambda cannot deploy the function. The function or "+
			"layer might be signed using a signature that the client is not configured to accept. Check the provided "+
			"signature for %s.", f.Name)
	}
	return nil
}

// signature is the file that AWS Signer adds to a package. AWS does not document it; it is known from signed packages.
var signature = regexp.MustCompile(`^META[-_]INF/aws_signer_signature_[A-Za-z0-9_.-]+[.]SF$`)

// signed reports whether a package has a signature. Neither the signature nor its signer is verified.
func signed(archive []byte) bool {
	in, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	return err == nil && slices.ContainsFunc(in.File, func(f *zip.File) bool { return signature.MatchString(f.Name) })
}

// SigningConfigAccess returns the permission of an action on a code signing configuration.
func SigningConfigAccess(action, arn string) protocol.Access {
	return protocol.Access{
		Action: action, Resource: arn, Context: map[string][]string{"lambda:CodeSigningConfigArn": {arn}},
	}
}
