// Command engine is the WebAssembly of the review page. It defines one JavaScript
// function, permstack(text), which takes and returns JSON.
package main

import (
	"syscall/js"

	"permstack/internal/review/webui"
)

func main() {
	js.Global().Set("permstack", js.FuncOf(func(_ js.Value, args []js.Value) any {
		return webui.Handle(args[0].String())
	}))
	select {} // until the page is closed
}
