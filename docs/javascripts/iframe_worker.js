// A Worker in a hidden frame, where pages are read from disk: browsers start no real one from file:// addresses.
// The theme's plugin `offline` asks a server for such a script; docs/hooks.py leads it here.
if (location.protocol === "file:") {
  const loaded = (page, url) =>
    new Promise(done => {
      const script = page.createElement("script")
      script.src = url
      script.onload = done
      page.body.appendChild(script)
    })

  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      this.frame = document.createElement("iframe")
      this.frame.hidden = true
      document.body.appendChild(this.frame)
      const scope = this.frame.contentWindow
      scope.postMessage = data => this.answer(data)
      scope.importScripts = (...urls) =>
        urls.reduce((before, next) => before.then(() => loaded(scope.document, next)), Promise.resolve())
      this.started = loaded(scope.document, url)
    }

    answer(data) {
      const message = new MessageEvent("message", { data })
      this.dispatchEvent(message)
      if (typeof this.onmessage === "function") this.onmessage(message)
    }

    postMessage(data) {
      this.started.then(() => this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data })))
    }

    terminate() {
      this.frame.remove()
    }
  }
}
