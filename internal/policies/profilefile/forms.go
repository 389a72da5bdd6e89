package profilefile

import (
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"permstack/internal/policies/schema"
)

// What follows is the form of a profile file. The names of its keys are those of
// profile.schema.json; a test compares the two.

type document struct {
	Position
	Profile       string              `yaml:"profile"`
	Vendor        string              `yaml:"vendor"`
	OwnTemplate   bool                `yaml:"ownTemplate"`
	Files         []string            `yaml:"files"`
	Assets        []assetForm         `yaml:"assets"`
	Operations    []operationForm     `yaml:"operations"`
	Options       []optionForm        `yaml:"options"`
	Settings      []settingForm       `yaml:"settings"`
	Presets       []presetForm        `yaml:"presets"`
	Inputs        []inputForm         `yaml:"inputs"`
	Outputs       []outputForm        `yaml:"outputs"`
	Variables     []variableForm      `yaml:"variables"`
	Resources     map[string]textList `yaml:"resources"`
	Actions       map[string]textList `yaml:"actions"`
	Conditions    map[string]whenForm `yaml:"conditions"`
	Roles         []roleForm          `yaml:"roles"`
	Topics        []topicForm         `yaml:"topics"`
	Rules         []ruleForm          `yaml:"rules"`
	Prerequisites []prerequisiteForm  `yaml:"prerequisites"`
	Flows         []flowForm          `yaml:"flows"`
}

type assetForm struct {
	Position
	Asset string      `yaml:"asset"`
	Title string      `yaml:"title"`
	In    schema.Span `yaml:"releases"`
}

// operationForm is an operation's name, or a mapping if it is one that restores.
type operationForm struct {
	Position
	Operation string `yaml:"operation"`
	Restore   bool   `yaml:"restore"`
}

func (f *operationForm) decodeNode(d *decoder, n *yaml.Node) {
	f.Position = d.at(n)
	if n.Kind != yaml.MappingNode {
		d.decode(n, reflect.ValueOf(&f.Operation).Elem())
		return
	}
	d.structure(n, reflect.ValueOf(f).Elem())
}

type optionForm struct {
	Position
	Option string      `yaml:"option"`
	Title  string      `yaml:"title"`
	In     schema.Span `yaml:"releases"`
}

type settingForm struct {
	Position
	Setting    string       `yaml:"setting"`
	Title      string       `yaml:"title"`
	Default    string       `yaml:"default"`
	Cumulative bool         `yaml:"cumulative"`
	Values     []optionForm `yaml:"values"`
}

type presetForm struct {
	Position
	Preset     string   `yaml:"preset"`
	Title      string   `yaml:"title"`
	Marked     bool     `yaml:"marked"`
	Assets     []string `yaml:"assets"`
	Operations []string `yaml:"operations"`
	Options    []string `yaml:"options"`
}

type inputForm struct {
	Position
	Input   string   `yaml:"input"`
	For     usesForm `yaml:"for"`
	Missing string   `yaml:"missing"`
	Unused  string   `yaml:"unused"`
}

type outputForm struct {
	Position
	Output string `yaml:"output"`
	Name   string `yaml:"name"`
	Title  string `yaml:"title"`
}

type variableForm struct {
	Position
	Variable string   `yaml:"variable"`
	Value    string   `yaml:"value"`
	For      usesForm `yaml:"for"`
	Why      string   `yaml:"why"`
}

type roleForm struct {
	Position
	Role               string       `yaml:"role"`
	Why                string       `yaml:"why"`
	For                usesForm     `yaml:"for"`
	InstanceProfile    string       `yaml:"instanceProfile"`
	InstanceProfileFor usesForm     `yaml:"instanceProfileFor"`
	Trust              []trustForm  `yaml:"trust"`
	Policies           []policyForm `yaml:"policies"`
	In                 schema.Span  `yaml:"releases"`
}

type principalForm struct {
	Position
	AWS     string `yaml:"aws"`
	Service string `yaml:"service"`
}

type trustForm struct {
	Position
	Sid       string              `yaml:"sid"`
	Why       string              `yaml:"why"`
	For       usesForm            `yaml:"for"`
	Principal principalForm       `yaml:"principal"`
	When      whenForm            `yaml:"when"`
	WhenGiven map[string]whenForm `yaml:"whenGiven"`
	In        schema.Span         `yaml:"releases"`
}

type policyForm struct {
	Position
	Policy     string          `yaml:"policy"`
	Kind       string          `yaml:"kind"`
	Why        string          `yaml:"why"`
	For        usesForm        `yaml:"for"`
	Statements []statementForm `yaml:"statements"`
	In         schema.Span     `yaml:"releases"`
}

type statementForm struct {
	Position
	Sid         string                 `yaml:"sid"`
	Why         string                 `yaml:"why"`
	For         usesForm               `yaml:"for"`
	Effect      string                 `yaml:"effect"`
	Actions     textList               `yaml:"actions"`
	Resources   textList               `yaml:"resources"`
	Shared      textList               `yaml:"shared"`
	When        whenForm               `yaml:"when"`
	Since       map[string]textList    `yaml:"since"`
	Until       map[string]textList    `yaml:"until"`
	Presets     []string               `yaml:"presets"`
	WhyWildcard string                 `yaml:"whyWildcard"`
	Note        string                 `yaml:"note"`
	Remains     []remainForm           `yaml:"remains"`
	NotNarrowed map[string]string      `yaml:"notNarrowed"`
	In          schema.Span            `yaml:"releases"`
	ActionsIn   map[string]schema.Span `yaml:"actionReleases"`
}

type remainForm struct {
	Position
	Kind string `yaml:"kind"`
	Text string `yaml:"text"`
}

type topicForm struct {
	Position
	Topic      string               `yaml:"topic"`
	Policy     string               `yaml:"policy"`
	Why        string               `yaml:"why"`
	For        usesForm             `yaml:"for"`
	Statements []topicStatementForm `yaml:"statements"`
	In         schema.Span          `yaml:"releases"`
}

type topicStatementForm struct {
	Position
	Sid       string        `yaml:"sid"`
	Why       string        `yaml:"why"`
	Actions   textList      `yaml:"actions"`
	Principal principalForm `yaml:"principal"`
	When      whenForm      `yaml:"when"`
	In        schema.Span   `yaml:"releases"`
}

type ruleForm struct {
	Position
	Rule    string         `yaml:"rule"`
	Why     string         `yaml:"why"`
	Asset   string         `yaml:"asset"`
	Option  string         `yaml:"option"`
	Topic   string         `yaml:"topic"`
	Pattern map[string]any `yaml:"pattern"`
	In      schema.Span    `yaml:"releases"`
}

type prerequisiteForm struct {
	Position
	For  usesForm    `yaml:"for"`
	Text string      `yaml:"text"`
	In   schema.Span `yaml:"releases"`
}

type flowForm struct {
	Position
	Flow    string      `yaml:"flow"`
	For     usesForm    `yaml:"for"`
	Sharing string      `yaml:"sharing"`
	Role    string      `yaml:"role"`
	Calls   []callForm  `yaml:"calls"`
	In      schema.Span `yaml:"releases"`
}

type callForm struct {
	Position
	Name      string              `yaml:"name"`
	Actions   []string            `yaml:"actions"`
	Resources textList            `yaml:"resources"`
	Context   map[string][]string `yaml:"context"`
	Denied    bool                `yaml:"denied"`
	Source    string              `yaml:"source"`
}

// usesForm is one mapping of assets, operations and options, or a list of them.
// Each mapping represents every combination of what it lists:
//
//	for: {assets: [ec2, rds], operations: restore}
type usesForm struct {
	Position
	uses []schema.Use
}

type useForm struct {
	Position
	Assets     []string `yaml:"assets"`
	Operations []string `yaml:"operations"`
	Options    []string `yaml:"options"`
}

func (f *usesForm) decodeNode(d *decoder, n *yaml.Node) {
	f.Position = d.at(n)
	var list []useForm
	known := len(d.problems)
	d.decode(n, reflect.ValueOf(&list).Elem())
	if len(d.problems) > known {
		return
	}
	for _, u := range list {
		if len(u.Assets)+len(u.Operations)+len(u.Options) == 0 {
			d.add(n, "name at least one of assets, operations, options")
			continue
		}
		any := []string{""}
		for _, a := range orElse(u.Assets, any) {
			for _, op := range orElse(u.Operations, any) {
				for _, o := range orElse(u.Options, any) {
					f.uses = append(f.uses, schema.Use{
						Asset: schema.Asset(a), Operation: schema.Operation(op), Option: schema.Option(o),
					})
				}
			}
		}
	}
}

func orElse(list, otherwise []string) []string {
	if len(list) > 0 {
		return list
	}
	return otherwise
}

// whenForm is the name of a condition that the profile defines, a mapping
// operator → key → values, or a list of both, all of which must match.
type whenForm struct {
	Position
	key    Position // of the key whose value it is, in a mapping
	names  []text
	inline schema.Conditions
	keys   map[string]Position // of the condition keys written here
}

func (f *whenForm) setKey(p Position) { f.key = p }

// textList is one text or a list of texts, each with its position.
type textList struct {
	items []text
	key   Position // of the key whose value it is, in a mapping
}

func (l *textList) setKey(p Position) { l.key = p }

func (l *textList) decodeNode(d *decoder, n *yaml.Node) {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
	}
	for _, item := range nodes {
		var value string
		d.decode(item, reflect.ValueOf(&value).Elem())
		l.items = append(l.items, text{d.at(item), value})
	}
}

// text is a text and where it is written.
type text struct {
	Position
	value string
}

func (f *whenForm) decodeNode(d *decoder, n *yaml.Node) {
	f.Position = d.at(n)
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	}
	for _, item := range items {
		if item.Kind == yaml.ScalarNode {
			f.names = append(f.names, text{d.at(item), item.Value})
			continue
		}
		f.keys = conditionKeys(d, item, f.keys)
		var c map[string]map[string][]string
		d.decode(item, reflect.ValueOf(&c).Elem())
		if clash := mergeConditions(&f.inline, c); clash != "" {
			d.add(item, "%s has two conditions", clash)
		}
	}
}

// conditionKeys adds the positions of the condition keys of a mapping operator → key → values.
func conditionKeys(d *decoder, n *yaml.Node, to map[string]Position) map[string]Position {
	for i := 0; i < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
		keys := n.Content[i+1]
		for j := 0; j < len(keys.Content) && keys.Kind == yaml.MappingNode; j += 2 {
			if to == nil {
				to = map[string]Position{}
			}
			key := keys.Content[j]
			to[key.Value] = d.at(key)
		}
	}
	return to
}

// mergeConditions adds conditions; it returns the operator and key that both
// have, if any.
func mergeConditions(into *schema.Conditions, c schema.Conditions) string {
	for operator, keys := range c {
		for key, values := range keys {
			if *into == nil {
				*into = schema.Conditions{}
			}
			if (*into)[operator] == nil {
				(*into)[operator] = map[string][]string{}
			}
			if _, ok := (*into)[operator][key]; ok {
				return operator + " " + key
			}
			(*into)[operator][key] = values
		}
	}
	return ""
}

// isDefinition reports whether a resource or action is the name of a definition
// rather than a literal.
func isDefinition(s string) bool {
	return s != "*" && !strings.Contains(s, ":") && !strings.HasPrefix(s, "$")
}
