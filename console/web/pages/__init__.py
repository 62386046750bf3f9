"""The pages themselves, a module each; `console.web.application` lists them."""
