package vendorfile

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// linear are functions whose result is not larger than their arguments.
var linear = map[string]function.Function{
	"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "chomp": stdlib.ChompFunc, "chunklist": stdlib.ChunklistFunc,
	"coalescelist": stdlib.CoalesceListFunc, "compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc,
	"contains": stdlib.ContainsFunc, "distinct": stdlib.DistinctFunc, "element": stdlib.ElementFunc,
	"flatten": stdlib.FlattenFunc, "floor": stdlib.FloorFunc, "jsondecode": stdlib.JSONDecodeFunc,
	"jsonencode": stdlib.JSONEncodeFunc, "keys": stdlib.KeysFunc, "lower": stdlib.LowerFunc, "max": stdlib.MaxFunc,
	"merge": stdlib.MergeFunc, "min": stdlib.MinFunc, "range": stdlib.RangeFunc, "regex": stdlib.RegexFunc,
	"regexall": stdlib.RegexAllFunc, "reverse": stdlib.ReverseListFunc, "setintersection": stdlib.SetIntersectionFunc,
	"setsubtract": stdlib.SetSubtractFunc, "setunion": stdlib.SetUnionFunc, "slice": stdlib.SliceFunc,
	"sort": stdlib.SortFunc, "split": stdlib.SplitFunc, "substr": stdlib.SubstrFunc, "title": stdlib.TitleFunc,
	"trim": stdlib.TrimFunc, "trimprefix": stdlib.TrimPrefixFunc, "trimspace": stdlib.TrimSpaceFunc,
	"trimsuffix": stdlib.TrimSuffixFunc, "upper": stdlib.UpperFunc, "values": stdlib.ValuesFunc,
	"zipmap": stdlib.ZipmapFunc,
}

// growing are functions whose result may have the size of the product of their arguments, which therefore have at most
// maxGrowing characters.
var growing = map[string]function.Function{
	"format": stdlib.FormatFunc, "formatlist": stdlib.FormatListFunc, "join": stdlib.JoinFunc,
	"replace": stdlib.ReplaceFunc,
}

const maxGrowing = 20_000

// wideFormat is a verb of format with a width that no policy has.
var wideFormat = regexp.MustCompile(`%[^a-zA-Z%]*\d{3}`)

// opaque are functions whose result is a placeholder.
var opaque = []string{
	"base64encode", "base64sha256", "filebase64sha256", "filemd5", "filesha256", "md5", "sha1", "sha256", "timestamp",
	"uuid", "uuidv5", "formatdate", "plantimestamp",
}

// listFunctions are functions whose result has the items of their arguments.
var listFunctions = []string{
	"concat", "compact", "distinct", "flatten", "setunion", "sort", "tolist", "toset", "sensitive", "nonsensitive",
}

// function calls a function of Terraform. None of them runs or fetches anything; file reads only files that were given.
func (s tfScope) function(x *hclsyntax.FunctionCallExpr) any {
	switch x.Name {
	case "try":
		var last any = lineUnknown(x, "try has no argument that can be evaluated")
		for _, arg := range x.Args {
			if last = s.eval(arg); !isUnknown(last) {
				return last
			}
		}
		return last
	case "can":
		return len(x.Args) == 1 && !isUnknown(s.eval(x.Args[0]))
	}
	var args []any
	s.single = s.single || x.Name != "jsonencode" && !slices.Contains(listFunctions, x.Name)
	for i, arg := range x.Args {
		value := s.eval(arg)
		if u, bad := value.(unknown); bad {
			return u
		}
		list, isList := value.([]any)
		switch {
		case x.ExpandFinal && i == len(x.Args)-1 && isList:
			args = append(args, list...)
		case x.ExpandFinal && i == len(x.Args)-1:
			return lineUnknown(x, "the arguments of "+x.Name+" cannot be evaluated")
		default:
			args = append(args, value)
		}
	}
	if value, ok := s.ownFunction(x, args); ok {
		return value
	}
	if slices.Contains(opaque, x.Name) {
		return placeholder(x.Name)
	}
	f, ok := linear[x.Name]
	if !ok {
		f, ok = growing[x.Name]
	}
	if !ok {
		return lineUnknown(x, "the function "+x.Name+" is not evaluated")
	}
	return s.callCty(x, f, args)
}

func (s tfScope) callCty(x *hclsyntax.FunctionCallExpr, f function.Function, args []any) any {
	size := 0
	values := make([]cty.Value, len(args))
	params := f.Params()
	for i, arg := range args {
		arg = plain(arg)
		if u, bad := arg.(unknown); bad {
			return u
		}
		if text, isText := arg.(string); isText && isOpen(text) && slices.Contains(listFunctions, x.Name) {
			arg = []any{text} // the elements of a list that the file leaves open
		}
		if list, isList := arg.([]any); isList && x.Name == "compact" {
			arg = slices.DeleteFunc(slices.Clone(list), func(item any) bool { return item == nil })
		}
		size += textSize(arg)
		if text, isText := arg.(string); isText && strings.HasPrefix(x.Name, "format") && wideFormat.MatchString(text) {
			return lineUnknown(x, "the format is too wide")
		}
		values[i] = toCty(arg)
		want := cty.DynamicPseudoType
		if i < len(params) {
			want = params[i].Type
		} else if f.VarParam() != nil {
			want = f.VarParam().Type
		}
		if converted, err := convert.Convert(values[i], want); err == nil {
			values[i] = converted
		}
	}
	if _, grows := growing[x.Name]; !s.spend(size) || grows && size > maxGrowing {
		return lineUnknown(x, "the arguments of "+x.Name+" are too large")
	}
	out, err := f.Call(values)
	if err != nil {
		return lineUnknown(x, x.Name+": "+err.Error())
	}
	value := fromCty(out)
	if !s.spend(textSize(value)) {
		return lineUnknown(x, "evaluating the expression takes too much work")
	}
	return value
}

// textSize returns the number of characters and items in a value.
func textSize(v any) int {
	n := 1
	switch v := v.(type) {
	case string:
		n += len(v)
	case []any:
		for _, item := range v {
			n += textSize(item)
		}
	case map[string]any:
		for key, item := range v {
			n += len(key) + textSize(item)
		}
	}
	return n
}

// ownFunction calls the functions that go-cty does not have, or that open values must pass.
func (s tfScope) ownFunction(x *hclsyntax.FunctionCallExpr, args []any) (value any, ok bool) {
	first := func() any {
		if len(args) == 0 {
			return lineUnknown(x, x.Name+" has no argument")
		}
		return args[0]
	}
	text := func(i int) string {
		if i >= len(args) {
			return ""
		}
		t, _ := tfText(plain(args[i]))
		return t
	}
	switch x.Name {
	case "tolist", "tomap", "tobool", "sensitive", "nonsensitive", "ephemeralasnull", "indent":
		if x.Name == "indent" && len(args) == 2 {
			return args[1], true // white space, which has no meaning in a policy document
		}
		return first(), true
	case "toset":
		list, isList := first().([]any)
		if !isList {
			return first(), true
		}
		return slices.CompactFunc(sortTexts(list), func(a, b any) bool { return a == b }), true
	case "tostring":
		if t, isText := tfText(plain(first())); isText {
			return t, true
		}
		return first(), true
	case "coalesce":
		for _, arg := range args {
			if _, open := arg.(openNull); arg != nil && arg != "" && !open {
				return arg, true
			}
		}
		if len(args) > 0 {
			return args[len(args)-1], true
		}
	case "length":
		if list, isCollection := s.elements(first()); isCollection {
			return float64(len(list)), true
		}
		if t, isText := first().(string); isText {
			return float64(len(t)), true
		}
	case "values", "keys":
		ref, isRef := first().(*tfRef)
		if !isRef {
			return nil, false
		}
		list, _ := s.elements(ref)
		out := []any{}
		for _, e := range list {
			if x.Name == "values" {
				out = append(out, e.value)
			} else {
				out = append(out, e.key)
			}
		}
		return out, true
	case "one":
		list, isList := first().([]any)
		switch {
		case isList && len(list) == 0:
			return nil, true
		case isList:
			return list[0], true
		}
		return first(), true
	case "lookup":
		if m, isMap := first().(map[string]any); isMap && len(args) > 1 {
			if value, found := m[text(1)]; found {
				return value, true
			} else if len(args) > 2 {
				return args[2], true
			}
		}
		return placeholder(s.parser.text(x)), true
	case "startswith":
		return strings.HasPrefix(text(0), text(1)), true
	case "endswith":
		return strings.HasSuffix(text(0), text(1)), true
	case "strcontains":
		return strings.Contains(text(0), text(1)), true
	case "basename":
		return path.Base(text(0)), true
	case "dirname":
		return path.Dir(text(0)), true
	case "abspath", "pathexpand":
		return text(0), true
	case "file":
		data, found := s.givenFile(text(0))
		if !found {
			return lineUnknown(x, "the file "+text(0)+" is not among the files that were read"), true
		}
		return string(data), true
	case "fileexists":
		_, found := s.givenFile(text(0))
		return found, true
	case "fileset":
		return s.fileSet(x, text(0), text(1)), true
	case "templatefile":
		return s.templateFile(x, text(0), args), true
	}
	return nil, false
}

func sortTexts(list []any) []any {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b any) int {
		x, _ := tfText(plain(a))
		y, _ := tfText(plain(b))
		return strings.Compare(x, y)
	})
	return list
}

// givenFile returns a file that was read together with the configuration. A name without path.module is relative to the
// folder of the root module, which the module is taken for.
func (m *tfModule) givenFile(name string) ([]byte, bool) {
	for _, name := range []string{path.Clean(name), path.Join(m.dir, name)} {
		if data, ok := m.given[name]; ok {
			m.usedFiles[name] = true
			return data, true
		}
	}
	return nil, false
}

// fileSet returns the names of files that were read together with the configuration, relative to a folder.
func (s tfScope) fileSet(x *hclsyntax.FunctionCallExpr, folder, pattern string) any {
	if strings.Contains(pattern, "**") || strings.Contains(pattern, "{") {
		return lineUnknown(x, "the pattern "+pattern+" is not evaluated")
	}
	out := []any{}
	for _, name := range sortedKeys(s.given) {
		relative, inside := strings.CutPrefix(name, path.Clean(folder)+"/")
		if path.Clean(folder) == "." {
			relative, inside = name, true
		}
		if matches, err := path.Match(pattern, relative); err == nil && matches && inside {
			out = append(out, relative)
		}
	}
	if len(out) == 0 {
		return lineUnknown(x, "no file "+pattern+" is among the files that were read")
	}
	return out
}

// templateFile evaluates a template that was read together with the configuration.
func (s tfScope) templateFile(x *hclsyntax.FunctionCallExpr, name string, args []any) any {
	data, found := s.givenFile(name)
	if !found {
		return lineUnknown(x, "the file "+name+" is not among the files that were read")
	}
	if s.parser.tooDeepTemplate(string(data)) {
		return lineUnknown(x, "the template "+name+" is nested too deeply")
	}
	s.parser.sources[name] = data
	t, diags := hclsyntax.ParseTemplate(data, name, hcl.InitialPos)
	if diags.HasErrors() {
		return lineUnknown(x, "the template "+name+" cannot be parsed: "+diags[0].Summary)
	}
	inner := s
	inner.vars, inner.open = map[string]any{}, map[string]bool{}
	if len(args) > 1 {
		fields, _ := args[1].(map[string]any)
		for key, value := range fields {
			inner = inner.with(key, value, true)
		}
	}
	return inner.eval(t)
}
