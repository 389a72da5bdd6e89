package standalone

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"permstack/internal/fakeaws/lambda"
)

// TestFindsCode checks which program is run for the code in a template.
func TestFindsCode(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("skipped: a bootstrap runs on Linux only")
	}
	self, err := os.Executable() // a program that surely runs here
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	write(t, filepath.Join(root, "built", "bootstrap"), self)
	write(t, filepath.Join(root, "other", "bootstrap"), "/dev/null")
	pack(t, filepath.Join(root, "dist", "provisioner-here.zip"), self)
	zipped, err := os.ReadFile(filepath.Join(root, "dist", "provisioner-here.zip"))
	if err != nil {
		t.Fatal(err)
	}
	finder := &codeFinder{
		o: Options{
			BuiltIn: []string{"permstack", "lambda-function"},
			Names:   []string{"drift", "provisioner"},
			Root:    root,

			ForeignCode: true,
		},
	}
	t.Cleanup(func() {
		all := finder.unpacked
		if err := finder.close(); err != nil {
			t.Error(err)
		}
		if len(all) != 1 {
			t.Errorf("got %d directories of unpacked zips, want 1", len(all))
		}
		for _, u := range all {
			if _, err := os.Stat(u.dir); err == nil {
				t.Errorf("directory %s exists after Close", u.dir)
			}
		}
	})
	builtIn := []string{"permstack", "lambda-function", "provisioner"}

	tests := map[string]struct {
		code lambda.Code
		want []string // nil: a program of this machine
		fail string
	}{
		"template.yaml before it is packaged": {
			code: lambda.Code{S3Bucket: "b", S3Key: "functions/provisioner"},
			want: builtIn,
		},
		"packaged": {
			code: lambda.Code{S3Bucket: "b", S3Key: "v1/provisioner-arm64-0a1b.zip"},
			want: builtIn,
		},
		"a local path without a program": {code: lambda.Code{Path: "functions/provisioner"}, want: builtIn},
		"a local folder with a program":  {code: lambda.Code{Path: "built"}},
		"a local zip":                    {code: lambda.Code{Path: "dist/provisioner-here.zip"}},
		"an uploaded zip":                {code: lambda.Code{S3Bucket: "b", S3Key: "orders.zip", Zip: zipped}},
		"a program for nothing": {
			code: lambda.Code{Path: "other"},
			fail: "its own functions (drift, provisioner)",
		},
		"somebody else's function": {
			code: lambda.Code{S3Bucket: "b", S3Key: "orders.zip"},
			fail: "orders.zip",
		},
		"inline": {code: lambda.Code{ZipFile: "exports.handler = 1"}, fail: "inline"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			argv, dir, _, err := finder.find(tc.code)
			switch {
			case tc.fail != "":
				if err == nil || !strings.Contains(err.Error(), tc.fail) {
					t.Errorf("%v, %v; want an error with %q", argv, err, tc.fail)
				}
			case err != nil:
				t.Error(err)
			case tc.want != nil:
				if !slices.Equal(argv, tc.want) {
					t.Errorf("runs %v, want %v", argv, tc.want)
				}
			default:
				if len(argv) != 1 || filepath.Base(argv[0]) != "bootstrap" || dir != filepath.Dir(argv[0]) {
					t.Errorf("runs %v in %s", argv, dir)
				}
				if info, err := os.Stat(argv[0]); err != nil || info.Mode()&0o100 == 0 {
					t.Errorf("%s cannot be run: %v", argv[0], err)
				}
			}
		})
	}
}

// TestForeignCode checks that without Options.ForeignCode no program is run but this
// one, whatever a template names.
func TestForeignCode(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("skipped: a bootstrap runs on Linux only")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	write(t, filepath.Join(root, "built", "bootstrap"), self)
	pack(t, filepath.Join(root, "provisioner-here.zip"), self)
	zipped, err := os.ReadFile(filepath.Join(root, "provisioner-here.zip"))
	if err != nil {
		t.Fatal(err)
	}
	finder := &codeFinder{o: Options{
		BuiltIn: []string{"permstack", "lambda-function"}, Names: []string{"provisioner"}, Root: root,
	}}
	t.Cleanup(func() {
		if err := finder.close(); err != nil {
			t.Error(err)
		}
	})
	for name, tc := range map[string]struct {
		code    lambda.Code
		refused bool
	}{
		"directory":                          {lambda.Code{Path: "built"}, true},
		"directory elsewhere":                {lambda.Code{Path: "../" + filepath.Base(root) + "/built"}, true},
		"uploaded zip":                       {lambda.Code{S3Bucket: "b", S3Key: "orders.zip", Zip: zipped}, true},
		"zip with the name of a function":    {lambda.Code{Path: "provisioner-here.zip"}, false},
		"upload with the name of a function": {lambda.Code{S3Bucket: "b", S3Key: "provisioner.zip", Zip: zipped}, false},
	} {
		t.Run(name, func(t *testing.T) {
			argv, _, _, err := finder.find(tc.code)
			switch {
			case tc.refused && (err == nil || !strings.Contains(err.Error(), "--foreign-code")):
				t.Errorf("got %v, %v; want an error that names --foreign-code", argv, err)
			case !tc.refused && (err != nil || argv[0] != "permstack"):
				t.Errorf("got %v, %v; want the built-in function", argv, err)
			}
		})
	}
}

func write(t *testing.T, target, source string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(target, data, 0o755); err != nil {
		t.Fatal(err)
	}
}

func pack(t *testing.T, target, source string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(target)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	z := zip.NewWriter(out)
	w, err := z.Create("bootstrap")
	if err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(source)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if _, err := io.Copy(w, in); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}
