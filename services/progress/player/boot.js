// Loads the page again where one of its files did not come, as happens when a phone changes networks.
// Until then nothing else runs, so that the token is still in the address.
"use strict";

(function () {
  var PAUSE = 2000;
  var LONGEST = 60000;
  var COUNT = "corpu.loads";
  var tried = 0;
  try {
    tried = Number(sessionStorage.getItem(COUNT)) || 0;
  } catch (blocked) {
    // Without a memory the page waits the same time each time.
  }
  function remember(count) {
    try {
      sessionStorage.setItem(COUNT, String(count));
    } catch (blocked) {
      // As above.
    }
  }
  addEventListener(
    "error",
    function (event) {
      if (!event.target || event.target.nodeName !== "SCRIPT") return;
      // What fails once the page runs is a player of somebody else, of which the page tells itself.
      if (document.documentElement.hasAttribute("data-runs")) return;
      remember(tried + 1);
      setTimeout(
        function () {
          location.reload();
        },
        Math.min(LONGEST, PAUSE * Math.pow(2, tried)) * (0.5 + Math.random()),
      );
    },
    true,
  );
  addEventListener("load", function () {
    if (document.documentElement.hasAttribute("data-runs")) remember(0);
  });
})();
