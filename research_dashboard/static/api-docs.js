// Draws the API's documentation from the contract, with what this server itself serves.
document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("swagger-ui");
  window.SwaggerUIBundle({
    url: place.dataset.url,
    domNode: place,
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    validatorUrl: null,
    tryItOutEnabled: true,
  });
});
