import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["app/vendor/", "node_modules/", ".venv/", "**/build/"] },
  js.configs.recommended,
  {
    files: ["**/*.js"],
    languageOptions: { ecmaVersion: 2024, sourceType: "module" },
    rules: {
      eqeqeq: "error",
      "no-implicit-globals": "error",
      "no-shadow": "error",
      "no-unused-vars": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
    },
  },
  { files: ["app/**/*.js"], languageOptions: { globals: globals.browser } },
  { files: ["tests/web/**/*.js", "*.js"], languageOptions: { globals: globals.node } },
];
