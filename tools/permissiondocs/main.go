// Command permissiondocs writes docs/permissions:
//
//	go run ./tools/permissiondocs docs/permissions
package main

import (
	"log"
	"os"
	"path/filepath"

	"permstack/internal/review/permissiondocs"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: permissiondocs FOLDER")
	}
	files, err := permissiondocs.Files()
	if err != nil {
		log.Fatal(err)
	}
	if err := os.MkdirAll(os.Args[1], 0o755); err != nil {
		log.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(os.Args[1], name), []byte(text), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
