package launch

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"permstack/internal/cfn/yamlfmt"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
	"permstack/internal/release/launchlink"
)

// ForProfile returns template.yaml for one profile, which is added if the template does not offer it: without the
// parameter Profile and the parameters that the profile does not read, and with the conditions, rules and statements of
// this profile only. What the profile requires has no default, so that the console refuses to continue without it. Each
// operation, option and setting is a question of its own, in place of the lists Operations and Options.
func ForProfile(template []byte, p schema.Profile) ([]byte, error) {
	key := generatedKey{p.Name, sha256.Sum256(template)}
	generated.Lock()
	known, ok := generated.templates[key]
	generated.Unlock()
	if ok && reflect.DeepEqual(known.profile, p) {
		return slices.Clone(known.body), nil
	}
	body, err := forProfile(template, p)
	if err != nil {
		return nil, err
	}
	generated.Lock()
	defer generated.Unlock()
	if generated.templates == nil || len(generated.templates) >= maxGenerated {
		generated.templates = map[generatedKey]generatedTemplate{}
	}
	generated.templates[key] = generatedTemplate{p, body}
	return slices.Clone(body), nil
}

// generated are the last templates of ForProfile, which takes half a second for one. A release has the same template
// for several objects.
var generated struct {
	sync.Mutex
	templates map[generatedKey]generatedTemplate
}

type (
	generatedKey struct {
		profile  string
		template [sha256.Size]byte
	}
	generatedTemplate struct {
		profile schema.Profile
		body    []byte
	}
)

const maxGenerated = 16

func forProfile(template []byte, p schema.Profile) ([]byte, error) {
	root, err := yamlfmt.Parse(template)
	if err == nil && !offers(root, p) {
		if template, err = AddProfile(template, p); err == nil {
			root, err = yamlfmt.Parse(template)
		}
	}
	if err == nil {
		w := profileWriter{root: root, profile: p}
		err = w.write()
	}
	if err != nil {
		return nil, fmt.Errorf("generate the template of profile %s: %w", p.Name, err)
	}
	return format(launchlink.ProfileFile(p.Name), root)
}

// offers reports whether a template can select a profile.
func offers(root *yaml.Node, p schema.Profile) bool {
	values := lookup(root, "Parameters", "Profile", "AllowedValues")
	return values == nil || slices.Contains(texts(values), p.Name)
}

// OfferedProfiles returns the built-in profiles that a release can launch: those that a template can select, and those
// with a template of their own only.
func OfferedProfiles(template []byte) ([]schema.Profile, error) {
	root, err := yamlfmt.Parse(template)
	if err != nil {
		return nil, err
	}
	out, err := templateProfiles(root, "")
	if err != nil {
		return nil, err
	}
	for _, name := range policies.ProfileNames() {
		if p, _ := policies.Profile(name); p.OwnTemplate && !offers(root, p) {
			out = append(out, p)
		}
	}
	return out, nil
}

// ProfileStack generates the template of a profile for a release.
func ProfileStack(template []byte, p schema.Profile, r Release) ([]byte, error) {
	own, err := ForProfile(template, p)
	if err != nil {
		return nil, err
	}
	return releaseStack(own, p.Name, p.Vendor, r)
}

type profileWriter struct {
	root       *yaml.Node
	profile    schema.Profile
	parameters *yaml.Node
	questions  []choiceQuestion
}

func (w *profileWriter) write() error {
	var err error
	if w.parameters, err = require(w.root, "Parameters"); err != nil {
		return err
	}
	constants, err := w.constants()
	if err != nil {
		return err
	}
	if err := w.ask(); err != nil {
		return err
	}
	if err := w.rules(); err != nil {
		return err
	}
	if mappings := lookup(w.root, "Mappings"); mappings != nil {
		set(mappings, "Presets", presetChoices([]schema.Profile{w.profile}))
	}
	if err := w.requireInputs(); err != nil {
		return err
	}
	if err := w.nameOutputs(); err != nil {
		return err
	}
	w.describe()
	if err := w.form(); err != nil {
		return err
	}
	foldTemplate(w.root, constants)
	w.removeEmptyProperties()
	pruneTemplate(w.root)
	removeGeneratedComments(w.root)
	for _, list := range []string{"Operations", "Options"} {
		if index(w.parameters, list) >= 0 {
			return fmt.Errorf("a condition or a property reads the parameter %s in a form that the generator does not have",
				list)
		}
	}
	return nil
}

// constants returns the parameters that have one value for the profile: its name, the questions about assets and
// options of others, and what it does not read.
func (w *profileWriter) constants() (map[string]*yaml.Node, error) {
	out := map[string]*yaml.Node{"Profile": scalar(w.profile.Name)}
	own := (&ruleGenerator{profile: w.profile, questions: questions(w.parameters)}).ownQuestions()
	for _, q := range questions(w.parameters) {
		if !own[q.parameter] {
			out[q.parameter] = scalar("no")
		}
	}
	text, err := json.Marshal(w.profile)
	if err != nil {
		return nil, err
	}
	for value, parameter := range inputParameters {
		required := slices.ContainsFunc(w.profile.Needs, func(n schema.Need) bool { return n.Value == value })
		if !required && !strings.Contains(string(text), "${"+string(value)+"}") {
			out[parameter] = scalar("")
		}
	}
	if !strings.Contains(string(text), "${OtherAccount}") {
		out["OtherAccountIds"], out["SharedResources"] = sequence(), scalar("none")
	}
	if len(w.profile.Topics) == 0 {
		out["TopicKeyArn"] = scalar("")
	}
	if len(w.profile.Presets) == 0 {
		out["Preset"] = scalar(launchlink.WithoutPreset)
	}
	return out, nil
}

// hyphenSentence is what the description of an optional secret says of properties.NoExternalID.
const hyphenSentence = " Empty or a hyphen means none."

// requireInputs removes the default of what every choice requires: the console marks a parameter without one, and its
// pattern refuses an empty value.
func (w *profileWriter) requireInputs() error {
	for _, n := range w.profile.Needs {
		if n.Missing == "" || len(n.For) > 0 {
			continue
		}
		parameter, err := require(w.parameters, inputParameters[n.Value])
		if err != nil {
			return err
		}
		remove(parameter, "Default")
		set(parameter, "MinLength", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: "1"})
		if pattern := lookup(parameter, "AllowedPattern"); pattern != nil {
			pattern.Value = strings.NewReplacer("^(-|", "^(", ")?$", ")$").Replace(pattern.Value)
		}
		if text := lookup(parameter, "ConstraintDescription"); text != nil {
			text.Value = strings.NewReplacer(", or empty", "", ", or be a hyphen for none", "").Replace(text.Value)
		}
		if text := lookup(parameter, "Description"); text != nil {
			text.Value = strings.Replace(text.Value, hyphenSentence, "", 1)
		}
	}
	return nil
}

// describe names the vendor in what people read, and leaves out the sentences about other profiles: those that begin
// "For cpm, ".
func (w *profileWriter) describe() {
	others := texts(lookup(w.parameters, "Profile", "AllowedValues"))
	for i := 0; i+1 < len(w.parameters.Content); i += 2 {
		if text := lookup(w.parameters.Content[i+1], "Description"); text != nil {
			text.Value = w.ownSentences(text.Value, others)
		}
	}
	for _, section := range []string{"Description", "Metadata", "Parameters", "Outputs"} {
		if n := lookup(w.root, section); n != nil {
			w.nameVendor(n)
		}
	}
}

func (w *profileWriter) ownSentences(text string, profiles []string) string {
	var kept []string
	for sentence := range strings.SplitSeq(strings.TrimSuffix(text, "."), ". ") {
		name := profileOfSentence(sentence, profiles)
		if name != "" && name != w.profile.Name {
			continue
		}
		if name != "" {
			_, sentence, _ = strings.Cut(sentence, ", ")
			sentence = strings.ToUpper(sentence[:1]) + sentence[1:]
		}
		kept = append(kept, sentence)
	}
	return strings.Join(kept, ". ") + "."
}

// nameVendor writes the vendor's name in place of "the backup service".
func (w *profileWriter) nameVendor(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		for _, words := range []string{"the backup service", "your backup service", "a backup service"} {
			n.Value = strings.ReplaceAll(n.Value, words, w.profile.Vendor)
		}
	}
	for _, child := range n.Content {
		w.nameVendor(child)
	}
}

// profileOfSentence returns the profile that a sentence is about, "" for any.
func profileOfSentence(sentence string, profiles []string) string {
	for _, name := range profiles {
		if strings.HasPrefix(sentence, "For "+name+", ") {
			return name
		}
	}
	return ""
}

// removeEmptyProperties removes the properties of the custom resource that have no value for the profile.
func (w *profileWriter) removeEmptyProperties() {
	properties := lookup(w.root, "Resources", "PermissionStack", "Properties")
	for i := 0; properties != nil && i+1 < len(properties.Content); {
		value := properties.Content[i+1]
		if len(value.Content) == 0 && value.Value == "" {
			properties.Content = slices.Delete(properties.Content, i, i+2)
			continue
		}
		i += 2
	}
}

// removeGeneratedComments removes the comments around the parts of template.yaml that Generate writes.
func removeGeneratedComments(n *yaml.Node) {
	for _, comment := range []*string{&n.HeadComment, &n.LineComment, &n.FootComment} {
		if strings.Contains(*comment, "enerated") {
			*comment = ""
		}
	}
	for _, child := range n.Content {
		removeGeneratedComments(child)
	}
}
