package profilefile

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

const schemaFile = "../profile.schema.json"

// TestSchemaValidates validates the built-in profiles with the schema that
// editors use.
func TestSchemaValidates(t *testing.T) {
	compiled, err := jsonschema.NewCompiler().Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../profiles/*/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		if name := filepath.Base(f); name == "narrowings.yaml" || name == "condition-keys.yaml" {
			continue // not part of a profile
		}
		t.Run(strings.TrimPrefix(f, "../profiles/"), func(t *testing.T) {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			var document any
			if err := yaml.Unmarshal(data, &document); err != nil {
				t.Fatal(err)
			}
			if err := compiled.Validate(document); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSchemaHasEveryKey compares the keys of the schema with those that are read.
func TestSchemaHasEveryKey(t *testing.T) {
	data, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	type node struct {
		Properties map[string]any  `json:"properties"`
		Defs       map[string]node `json:"$defs"`
	}
	var root node
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	for name, form := range map[string]any{
		"": document{}, "asset": assetForm{}, "operation": operationForm{},
		"option": optionForm{}, "setting": settingForm{}, "preset": presetForm{},
		"input": inputForm{}, "variable": variableForm{}, "role": roleForm{}, "principal": principalForm{},
		"trust": trustForm{}, "policy": policyForm{}, "statement": statementForm{}, "remain": remainForm{},
		"topic": topicForm{}, "topicStatement": topicStatementForm{}, "rule": ruleForm{},
		"prerequisite": prerequisiteForm{}, "flow": flowForm{}, "call": callForm{}, "use": useForm{},
	} {
		t.Run(name, func(t *testing.T) {
			def := root
			if name != "" {
				def = root.Defs[name]
			}
			var got []string
			for key := range def.Properties {
				got = append(got, key)
			}
			want := fieldNames(reflect.TypeOf(form))
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("the schema has %v, the reader %v", got, want)
			}
		})
	}
}
