package vendorfile

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"permstack/internal/cfn/cfntemplate"
)

// The limits of Terraform configuration. The parser of HCL is recursive, and so are the brackets, the signs and the
// conditional expressions in each other.
const (
	maxBrackets     = 100
	maxSigns        = 20
	maxConditionals = 2_000
	maxDiagnostics  = 5
)

// tfBlock is a block of Terraform configuration, in the native syntax or as JSON.
type tfBlock struct {
	kind   string
	labels []string
	attrs  map[string]hclsyntax.Expression
	blocks []*tfBlock
	file   string
	line   int
}

// address returns "aws_iam_role.name", or "data.aws_iam_policy_document.name".
func (b *tfBlock) address() string {
	address := strings.Join(b.labels, ".")
	if b.kind == "data" {
		return "data." + address
	}
	return address
}

// resourceType returns the type of a resource or data source.
func (b *tfBlock) resourceType() string {
	if len(b.labels) == 0 {
		return ""
	}
	return b.labels[0]
}

// attrLine returns the line of an attribute, or of the block.
func (b *tfBlock) attrLine(attr string) int {
	if x := b.attrs[attr]; x != nil {
		return x.Range().Start.Line
	}
	return b.line
}

// tfParser parses the files of a module and keeps the texts of its expressions.
type tfParser struct {
	*reader
	sources map[string][]byte // by the file name of ranges
}

// parse returns the blocks of a file; what cannot be parsed is a problem.
func (p *tfParser) parse(f File) []*tfBlock {
	if strings.HasSuffix(f.Name, ".json") {
		return p.parseJSON(f)
	}
	if message := p.tooDeep(f.Data, f.Name); message != "" {
		p.problem(f.Name, 0, "%s", message)
		return nil
	}
	p.sources[f.Name] = f.Data
	file, diags := hclsyntax.ParseConfig(f.Data, f.Name, hcl.InitialPos)
	for i, d := range diags {
		if i < maxDiagnostics && d.Severity == hcl.DiagError {
			line := 0
			if d.Subject != nil {
				line = d.Subject.Start.Line
			}
			p.problem(f.Name, line, "not valid HCL: %s", strings.TrimSuffix(d.Summary, "."))
		}
	}
	if file == nil {
		return nil
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return nil
	}
	top := fromHCL(f.Name, &hclsyntax.Block{Body: body})
	for _, name := range sortedKeys(top.attrs) {
		p.problem(f.Name, top.attrLine(name), "%s is not an attribute of a Terraform configuration", name)
	}
	return top.blocks
}

// tooDeep returns why a text is not parsed, empty if it is.
func (p *tfParser) tooDeep(text []byte, name string) string {
	tokens, _ := hclsyntax.LexConfig(text, name, hcl.InitialPos)
	depth, signs, conditionals := 0, 0, 0
	for _, t := range tokens {
		sign := false
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp,
			hclsyntax.TokenTemplateControl, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd,
			hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
			depth--
		case hclsyntax.TokenBang, hclsyntax.TokenMinus:
			sign = true
		case hclsyntax.TokenQuestion:
			conditionals++
		}
		if signs++; !sign {
			signs = 0
		}
		if depth > maxBrackets || signs > maxSigns || conditionals > maxConditionals {
			return fmt.Sprintf("it is not read: line %d is nested too deeply", t.Range.Start.Line)
		}
	}
	return ""
}

func fromHCL(file string, in *hclsyntax.Block) *tfBlock {
	b := &tfBlock{
		kind: in.Type, labels: in.Labels, attrs: map[string]hclsyntax.Expression{}, file: file,
		line: in.TypeRange.Start.Line,
	}
	for name, attr := range in.Body.Attributes {
		b.attrs[name] = attr.Expr
	}
	for _, child := range in.Body.Blocks {
		b.blocks = append(b.blocks, fromHCL(file, child))
	}
	return b
}

// nestedBlocks are the names of blocks in JSON; another object is the value of an attribute.
var nestedBlocks = []string{
	"statement", "principals", "not_principals", "condition", "inline_policy", "content", "dynamic",
}

// parseJSON reads the JSON syntax of Terraform ("JSON Configuration Syntax" of its documentation).
func (p *tfParser) parseJSON(f File) []*tfBlock {
	values, err := cfntemplate.ReadValues(f.Data)
	if err != nil {
		p.problem(f.Name, 0, "not valid JSON: %v", err)
	}
	var out []*tfBlock
	for _, v := range values {
		for _, kind := range v.Keys() {
			labels := map[string]int{"resource": 2, "data": 2, "variable": 1, "output": 1, "module": 1, "provider": 1}[kind]
			out = append(out, p.fromJSON(f.Name, kind, nil, labels, v.Get(kind))...)
		}
	}
	return out
}

// fromJSON returns the blocks of one kind, which have that many labels.
func (p *tfParser) fromJSON(file, kind string, labels []string, depth int, v cfntemplate.Value) []*tfBlock {
	var out []*tfBlock
	if v.IsList() {
		for _, item := range v.Items() {
			out = append(out, p.fromJSON(file, kind, labels, depth, item)...)
		}
		return out
	}
	if depth > 0 {
		for _, key := range v.Keys() {
			out = append(out, p.fromJSON(file, kind, append(slices.Clone(labels), key), depth-1, v.Get(key))...)
		}
		return out
	}
	b := &tfBlock{kind: kind, labels: labels, attrs: map[string]hclsyntax.Expression{}, file: file, line: v.Line()}
	for _, key := range v.Keys() {
		field := v.Get(key)
		isBlock := slices.Contains(nestedBlocks, key) && (field.IsObject() || field.IsList())
		switch {
		case isBlock && kind != "locals" && kind != "variable":
			labels := 0
			if key == "dynamic" {
				labels = 1
			}
			b.blocks = append(b.blocks, p.fromJSON(file, key, nil, labels, field)...)
		case kind == "variable" && key == "type":
		default:
			b.attrs[key] = p.expression(file, field, kind == "variable")
		}
	}
	return []*tfBlock{b}
}

// expression returns a JSON value as an expression: strings are templates, if they are not literal.
func (p *tfParser) expression(file string, v cfntemplate.Value, literal bool) hclsyntax.Expression {
	pos := hcl.Pos{Line: v.Line(), Column: 1}
	rng := hcl.Range{Filename: file, Start: pos, End: pos}
	switch {
	case v.IsList():
		out := &hclsyntax.TupleConsExpr{SrcRange: rng, OpenRange: rng}
		for _, item := range v.Items() {
			out.Exprs = append(out.Exprs, p.expression(file, item, literal))
		}
		return out
	case v.IsObject():
		out := &hclsyntax.ObjectConsExpr{SrcRange: rng, OpenRange: rng}
		for _, key := range v.Keys() {
			out.Items = append(out.Items, hclsyntax.ObjectConsItem{
				KeyExpr:   &hclsyntax.LiteralValueExpr{Val: cty.StringVal(key), SrcRange: rng},
				ValueExpr: p.expression(file, v.Get(key), literal),
			})
		}
		return out
	}
	value := v.Plain()
	text, isText := value.(string)
	if !isText || literal || !strings.Contains(text, "${") && !strings.Contains(text, "%{") {
		return &hclsyntax.LiteralValueExpr{Val: toCty(value), SrcRange: rng}
	}
	// The ranges of the expression are within this text, and not within the file.
	name := fmt.Sprintf("%s#%d", file, len(p.sources))
	p.sources[name] = []byte(text)
	if len(text) > maxFile/10 || p.tooDeepTemplate(text) {
		p.problem(file, v.Line(), "the template is too long or nested too deeply")
		return &hclsyntax.LiteralValueExpr{Val: cty.NullVal(cty.DynamicPseudoType), SrcRange: rng}
	}
	x, diags := hclsyntax.ParseTemplate([]byte(text), name, pos)
	if diags.HasErrors() {
		p.problem(file, v.Line(), "the template cannot be parsed: %s", diags[0].Summary)
		return &hclsyntax.LiteralValueExpr{Val: cty.NullVal(cty.DynamicPseudoType), SrcRange: rng}
	}
	return x
}

func (p *tfParser) tooDeepTemplate(text string) bool {
	return strings.Count(text, "(")+strings.Count(text, "[")+strings.Count(text, "{") > maxConditionals ||
		p.tooDeep([]byte("x = \""+strings.ReplaceAll(text, `"`, `\"`)+"\"\n"), "") != "" ||
		strings.Contains(text, "!!!!") || strings.Contains(text, "----") || strings.Count(text, "((") > maxBrackets
}

// text returns the source of an expression, on one line.
func (p *tfParser) text(x hclsyntax.Expression) string {
	x = unwrap(x)
	rng := x.Range()
	source := p.sources[rng.Filename]
	if rng.Start.Byte < 0 || rng.End.Byte > len(source) || rng.Start.Byte > rng.End.Byte {
		return path.Base(rng.String())
	}
	return strings.Join(strings.Fields(string(source[rng.Start.Byte:rng.End.Byte])), " ")
}
