// Command engine is the review page's WebAssembly: one function, permstack(text),
// which answers JSON with JSON.
package main

import (
	"syscall/js"

	"permstack/internal/review/webui"
)

func main() {
	js.Global().Set("permstack", js.FuncOf(func(_ js.Value, args []js.Value) any {
		return webui.Serve(args[0].String())
	}))
	select {} // the page calls until it is closed
}
