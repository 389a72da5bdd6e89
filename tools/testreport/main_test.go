package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReport(t *testing.T) {
	tests := map[string]struct {
		in   []string
		want []string
		ok   bool
	}{
		"pass and skip": {
			in: []string{
				`{"Action":"run","Package":"p","Test":"TestA"}`,
				`{"Action":"output","Package":"p","Test":"TestA","Output":"noise\n"}`,
				`{"Action":"pass","Package":"p","Test":"TestA","Elapsed":0.1}`,
				`{"Action":"output","Package":"p","Test":"TestB","Output":"=== RUN   TestB\n"}`,
				`{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:12: skipped: no tool\n"}`,
				`{"Action":"skip","Package":"p","Test":"TestB"}`,
				`{"Action":"pass","Package":"p","Elapsed":0.24}`,
			},
			want: []string{"skip  p TestB: skipped: no tool", "ok    p 0.2s", "1 passed, 0 failed, 1 skipped"},
			ok:   true,
		},
		"a failure shows its output": {
			in: []string{
				`{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:3: got 1\n"}`,
				`{"Action":"fail","Package":"p","Test":"TestA"}`,
				`{"Action":"fail","Package":"p","Elapsed":1}`,
			},
			want: []string{"FAIL  p TestA", "    a_test.go:3: got 1", "FAIL  p 1.0s", "0 passed, 1 failed, 0 skipped"},
		},
		"a package that does not build is a failure": {
			in: []string{
				`{"ImportPath":"p","Action":"build-output","Output":"p.go:1: undefined: x\n"}`,
				`{"ImportPath":"p","Action":"build-fail"}`,
				`{"Action":"output","Package":"p","Output":"FAIL\tp [build failed]\n"}`,
				`{"Action":"fail","Package":"p"}`,
			},
			want: []string{"p.go:1: undefined: x", "FAIL\tp [build failed]", "FAIL  p 0.0s", "0 passed, 1 failed, 0 skipped"},
		},
		"nothing ran": {want: []string{"0 passed, 0 failed, 0 skipped"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			r := newReport(&out)
			if err := r.read(strings.NewReader(strings.Join(tc.in, "\n"))); err != nil {
				t.Fatal(err)
			}
			if ok := r.finish(); ok != tc.ok {
				t.Errorf("finish = %v, want %v", ok, tc.ok)
			}
			if diff := cmp.Diff(strings.Join(tc.want, "\n")+"\n", out.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
