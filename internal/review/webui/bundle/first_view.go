package bundle

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"strings"

	"permstack"
	"permstack/internal/policies"
	"permstack/internal/policies/profilejson"
	"permstack/internal/release/launch"
	"permstack/internal/review/webui"
)

// view is what the page shows before the engine runs, and what the engine gets when it starts. The engine is most of
// the page; people use the first view while it loads.
type view struct {
	Catalog webui.Catalog `json:"catalog"`
	// The response to the request of the page without a choice in its address: everything of the first profile.
	Request  webui.Request  `json:"request"`
	Response webui.Response `json:"response"`
	// What the engine needs: the profile that is not built in, and the forms of the profiles' templates.
	Profile json.RawMessage            `json:"profile,omitempty"`
	Forms   map[string]json.RawMessage `json:"forms"`
}

// firstView returns the view of a page as compressed JSON.
func firstView(o Options) ([]byte, error) {
	v := view{Profile: o.Profile, Forms: map[string]json.RawMessage{}}
	if len(o.Profile) > 0 {
		added, err := profilejson.Decode(o.Profile)
		if err != nil {
			return nil, err
		}
		if _, known := policies.Profile(added.Name); !known {
			if err := policies.AddProfile(added.Profile, added.Flows...); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range policies.ProfileNames() {
		profile, _ := policies.Profile(name)
		form, err := launch.LinkForm(permstack.Template, profile)
		if err != nil {
			return nil, err
		}
		v.Forms[name] = form
		if err := webui.AddForm(name, form); err != nil {
			return nil, err
		}
	}
	v.Catalog = webui.NewCatalog()
	first := v.Catalog.Profiles[0]
	assets := make([]string, len(first.Assets))
	for i, a := range first.Assets {
		assets[i] = a.Name
	}
	v.Request = webui.Request{Choice: first.Name + ":" + strings.Join(assets, ","), TemplateURL: o.TemplateURL}
	v.Response = v.Request.Evaluate()
	if len(v.Response.Problems) > 0 {
		return nil, fmt.Errorf("evaluate %s: %s", v.Request.Choice, strings.Join(v.Response.Problems, "; "))
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write the first view: %w", err)
	}
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(text)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("compress the first view: %w", err)
	}
	return out.Bytes(), nil
}
