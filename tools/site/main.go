// Command site makes the review page:
//
//	go run ./tools/site --out dist/site
//	go run ./tools/site --out dist/site --template-url https://….s3.….amazonaws.com/…/clumio.yaml
package main

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"permstack/internal/policies/lint"
	"permstack/internal/policies/profilejson"
	"permstack/internal/review/webui/bundle"
)

func main() {
	log.SetFlags(0)
	out := flag.String("out", "dist/site", "folder to write index.html into")
	templateURL := flag.String("template-url", "", "URL of a template of the release")
	profileFile := flag.String("profile-file", "", "file or directory of a profile that is not built in")
	regions := flag.String("regions", "", "Regions that the release was published to, with commas; others are refused")
	flag.Parse()
	if flag.NArg() > 0 {
		log.Fatalf("site: unexpected argument %q", flag.Arg(0))
	}
	options := bundle.Options{TemplateURL: *templateURL}
	if *regions != "" {
		options.Regions = strings.Split(*regions, ",")
	}
	if *profileFile != "" {
		loaded, problems, err := lint.LoadPath(*profileFile)
		if err != nil {
			log.Fatal(err)
		}
		if len(problems) > 0 {
			log.Fatalf("site: %s has %d problems, which permstack profile lint reports; the first: %s", *profileFile,
				len(problems), problems[0])
		}
		if options.Profile, err = profilejson.Encode(loaded.Profile, loaded.Flows...); err != nil {
			log.Fatal(err)
		}
	}
	page, err := bundle.Build(options)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		log.Fatalf("make folder %s: %v", *out, err)
	}
	path := filepath.Join(*out, "index.html")
	if err := os.WriteFile(path, page, 0o644); err != nil {
		log.Fatalf("write %s: %v", path, err)
	}
	packed, err := gzipSize(page)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %d bytes, %d as gzip -9 compresses it\n", path, len(page), packed)
}

// gzipSize returns the size of the page as a web server sends it.
func gzipSize(page []byte) (int, error) {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(page)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return 0, fmt.Errorf("compress the page: %w", err)
	}
	return out.Len(), nil
}
