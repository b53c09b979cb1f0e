// Classic notebooks show a function's help, at Shift-Tab, as plain text alone, and GoNB sends Markdown alone.
define(["notebook/js/tooltip"], function (tooltip) {
  "use strict";
  function plain(markdown) {
    return markdown.replace(/^(```.*|---)$/gm, "").replace(/\n{3,}/g, "\n\n").trim().replace(/\\([^\w\s])/g, "$1");
  }
  function onload() {
    var show = tooltip.Tooltip.prototype._show;
    tooltip.Tooltip.prototype._show = function (reply) {
      var data = reply.content.data;
      if (data && data["text/markdown"] && !data["text/plain"]) {
        data["text/plain"] = plain(data["text/markdown"]);
      }
      return show.call(this, reply);
    };
  }
  return { onload: onload };
});
