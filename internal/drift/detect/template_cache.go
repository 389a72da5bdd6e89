package detect

import (
	"sync"

	"permstack/internal/cfn/cfntemplate"
)

// templateCache keeps the parsed templates of earlier checks. A function that events start again within minutes reads
// the same templates each time, and parsing the parent's YAML is the longest computation of a check without findings.
// A parsed template is not modified.
type templateCache struct {
	mu     sync.Mutex
	parsed map[string]*cfntemplate.Template // by its text
}

// maxCachedTemplates bounds the memory: an installation has three stacks, with a deployed and an expected template
// each, before and after an update.
const maxCachedTemplates = 12

var templates templateCache

// parse returns cfntemplate.Parse of the text.
func (c *templateCache) parse(text string) (*cfntemplate.Template, error) {
	c.mu.Lock()
	t := c.parsed[text]
	c.mu.Unlock()
	if t != nil {
		return t, nil
	}
	t, err := cfntemplate.Parse([]byte(text))
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parsed == nil || len(c.parsed) >= maxCachedTemplates {
		c.parsed = map[string]*cfntemplate.Template{}
	}
	c.parsed[text] = t
	return t, nil
}
