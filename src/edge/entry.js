// The module that the runtime loads: the program's `fetch`, and the class of its objects.
//
// worker-build's own makes an instance of a class and three proxies for each request, so that objects
// are made anew that are of a wasm instance which has panicked: about a tenth of what a read costs.
// Here wasm-bindgen's glue is called as it is, which begins a new instance after a panic by itself,
// and an object is made anew when it turns out to be of an older one.

import Worker, { TenantObject as Proxied } from "./index.js";

const { fetch } = Worker.prototype;
const { constructor: Made } = Proxied.prototype;

export default {
  fetch(request, env, ctx) {
    return fetch.call({ env, ctx }, request);
  },
};

export class TenantObject {
  constructor(state, env) {
    this.state = state;
    this.env = env;
    this.made = new Made(state, env);
  }

  fetch(request) {
    try {
      return this.made.fetch(request);
    } catch (error) {
      return this.madeAnew(error).fetch(request);
    }
  }

  alarm() {
    try {
      return this.made.alarm();
    } catch (error) {
      return this.madeAnew(error).alarm();
    }
  }

  /** What is stale says so before it does anything; all else is the caller's to hear. */
  madeAnew(error) {
    if (!/^Invalid stale object/.test(error?.message)) throw error;
    this.made = new Made(this.state, this.env);
    return this.made;
  }
}
